// A run's own pages.

/** From the list to a run: what it got, and how it went. */
async function timeline(window) {
  await window.go('/workflows');
  await window.page.getByRole('link', { name: 'waits', exact: true }).first().click();
  await window.sees('Waits', 'cli', 'add', 'note', 'Results will appear upon completion.');
}

/** Its history in both orders, compact, and as JSON. */
async function history(window) {
  await window.goToRun('waits', 'history');
  await window.sees('Workflow Execution Started', 'Workflow Execution Update Accepted', 'Workflow Execution Signaled');
  await window.shot('history-descending');
  await window.page.getByText('Descending', { exact: true }).click();
  await window.sees('Ascending', 'Workflow Execution Started');
  await window.shot('history-ascending');
  await window.page.getByText('Compact', { exact: true }).click();
  await window.sees('add', 'note');
  await window.shot('history-compact');
  await window.page.getByText('JSON', { exact: true }).click();
  await window.sees(/workflowExecutionStartedEventAttributes|EVENT_TYPE_WORKFLOW_EXECUTION_STARTED|WorkflowExecutionStarted/);
}

/** A workflow that has failed says why. */
async function failed(window) {
  await window.goToRun('fails', 'history');
  await window.sees(/it was not to be/, 'Workflow Execution Failed');
}

/** Attempts of an activity, and its result. */
async function completed(window) {
  await window.goToRun('retries', 'timeline');
  await window.sees(/attempt 2 succeeds/, 'flaky');
}

async function continued(window) {
  await window.goToRun('continues', 'history');
  await window.sees(/the last/, 'Workflow Execution Completed');
}

/** A parent and its child. */
async function relationships(window) {
  await window.goToRun('family', 'relationships');
  await window.sees('family-child');
}

async function workers(window) {
  await window.goToRun('waits', 'workers');
  await window.sees('the worker');
}

/** An activity that waits for its next attempt. */
async function pendingActivities(window) {
  await window.goToRun('stuck', 'pending-activities');
  await window.sees('flaky', 'attempt 1 fails');
}

/** The page asks the worker for its stack. */
async function callStack(window) {
  await window.goToRun('waits', 'call-stack');
  await window.sees(/Stack for/);
}

async function queries(window) {
  await window.goToRun('asked', 'query');
  await window.choose('query-select', 'The total so far.');
  await window.button('Run Query').click();
  await window.sees('0');
}

/** What a workflow says about itself. */
async function userMetadata(window) {
  await window.goToRun('waits', 'user-metadata');
  for (const text of [/A waiting workflow/, /Line two/, /waiting for finish/]) await window.seesInFrame(text);
}

async function searchAttributes(window) {
  await window.goToRun('waits', 'search-attributes');
  await window.sees(/"Colour"/, /"red"/);
}

async function memo(window) {
  await window.goToRun('waits', 'memo');
  await window.sees(/"colour"/, /"red"/);
}

// In this order: each may stand on those before it.
export default { timeline, history, failed, completed, continued, relationships, workers, pendingActivities, callStack, queries, userMetadata, searchAttributes, memo };
