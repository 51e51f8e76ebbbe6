// What can be done to a workflow from its page.

/** The history of a workflow's current run. */
async function find(window, id) {
  await window.goToRun(id, 'history');
  await window.sees('Workflow Execution Started');
}

async function more(window, name) {
  await window.button('More Actions').click();
  await window.id(name).click();
}

async function started(window) {
  await window.go('/workflows/start-workflow');
  await window.id('workflowId').fill('started-by-page');
  await window.id('taskQueue').fill('cli');
  await window.id('workflowType').fill('Waits');
  await window.id('start-workflow-button').click();
  await window.untilCount(1, 'WorkflowId = "started-by-page"');
  await find(window, 'started-by-page');
  await window.sees('Waits');
}

async function signalled(window) {
  await find(window, 'started-by-page');
  await more(window, 'signal-button');
  await window.choose('signal-select', 'note');
  await json(window, '4');
  await window.id('confirm-modal-button').click();
  await window.sees('Workflow Execution Signaled');
}

async function updated(window) {
  await find(window, 'started-by-page');
  await more(window, 'update-button');
  await window.choose('update-select', 'Adds to the total.');
  await json(window, '5');
  await window.id('confirm-modal-button').click();
  await window.sees('Workflow Execution Update Completed');
}

/** From where it was before the signal; the page goes to the new run. */
async function reset(window) {
  await find(window, 'started-by-page');
  await more(window, 'reset-button');
  await window.choose('workflow-reset-event-id-select', /\S/);
  await window.id('reset-reason').fill('once more');
  await window.id('confirm-modal-button').click();
  await window.untilCount(1, 'WorkflowId = "started-by-page" AND ExecutionStatus = "Terminated"');
  await find(window, 'started-by-page');
  await window.sees('Workflow Task Failed');
}

async function paused(window) {
  await find(window, 'started-by-page');
  await window.button('Pause Workflow').click();
  await window.dialog.locator('input, textarea').first().fill('for a while');
  await window.id('confirm-modal-button').click();
  await window.sees('Workflow Execution Paused');
  await window.shot('paused-now');
  await window.button('Unpause Workflow').click();
  await window.id('confirm-modal-button').click();
  await window.sees('Workflow Execution Unpaused');
}

async function cancelled(window) {
  await find(window, 'cancelled-by-page');
  await more(window, 'request-cancellation-button');
  await window.id('confirm-modal-button').click();
  await window.sees('Workflow Execution Canceled');
}

async function terminated(window) {
  await find(window, 'terminated-by-page');
  await more(window, 'terminate-button');
  await window.id('workflow-termination-reason').fill('enough');
  await window.id('confirm-modal-button').click();
  await window.sees('Workflow Execution Terminated');
}

/** Fills the dialog's editor. */
async function json(window, text) {
  await window.dialog.locator('.cm-content').filter({ visible: true }).first().click();
  await window.page.keyboard.type(text);
}

// In this order: each may stand on those before it.
export default { started, signalled, updated, reset, paused, cancelled, terminated };
