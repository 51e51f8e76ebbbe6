// Namespaces, the queues, and pages for what this server has none of.

async function namespaces(window) {
  await window.page.goto(`${window.base}/namespaces`);
  await window.sees('default');
}

/** A namespace's own page, with its search attributes. */
async function namespace(window) {
  await window.go('');
  await window.sees('Retention Period', '1 day', 'Temporal Server Version', '1.32.0', 'Colour', 'TemporalScheduledById');
}

async function archive(window) {
  await window.go('/archival');
  await window.sees('This namespace is currently not enabled for archival.');
}

async function taskQueue(window) {
  await window.go('/task-queues/cli');
  await window.sees('Task Queue', 'the worker');
}

async function importHistory(window) {
  await window.page.goto(`${window.base}/import/events`);
  await window.sees('Import Event History');
}

/** Workers that have told of themselves. */
async function workers(window) {
  await window.go('/workers');
  await window.sees('Instances', 'Deployments', 'the worker');
}

/** Where the server says in its namespace's capabilities that it has none of something, the page says so, too. */
async function standaloneActivities(window) {
  await window.go('/activities');
  await window.sees('Standalone Activities');
}

// In this order: each may stand on those before it.
export default { namespaces, namespace, archive, taskQueue, importHistory, workers, standaloneActivities };
