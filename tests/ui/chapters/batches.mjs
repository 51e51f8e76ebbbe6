// Many workflows at once, chosen in the list.

/** Chooses all that a query finds, such as this one. */
async function choose(window, query, one) {
  await window.go(`/workflows?query=${encodeURIComponent(query)}`);
  await window.sees(one);
  await window.page.locator('#select-visible-workflows').check({ force: true });
}

async function terminated(window) {
  await choose(window, '`Colour`="green"', 'batch-1');
  await window.id('bulk-terminate-button').click();
  await window.id('confirm-modal-button').click();
  await window.untilCount(3, '`Colour`="green" AND ExecutionStatus = "Terminated"');
}

async function cancelled(window) {
  await choose(window, '`WorkflowId` STARTS_WITH "sleeps-" AND `ExecutionStatus`="Running"', 'sleeps-1');
  await window.id('bulk-cancel-button').click();
  await window.dialog.locator('input').first().fill('no more of it');
  await window.id('confirm-modal-button').click();
  await window.untilCount(2, '`WorkflowId` STARTS_WITH "sleeps-" AND ExecutionStatus = "Canceled"');
}

/** The page of all batches, and that of one. */
async function described(window) {
  await window.until('that both are done', '/batch-operations', ({ operationInfo }) => operationInfo?.length === 2 && operationInfo.every((batch) => /COMPLETED/i.test(batch.state)));
  await window.go('/batch-operations');
  await window.sees(/Terminate/i, /Cancel/i);
  await window.page.locator('main tbody a').first().click();
  await window.sees(/Batch Operation|Operation/, /100%|Completed/);
}

// In this order: each may stand on those before it.
export default { terminated, cancelled, described };
