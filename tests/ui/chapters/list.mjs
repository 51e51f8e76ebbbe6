// The list of workflows: what is in it, its counts, its filters, and views that are kept.

/** All of the world's workflows, newest first, and how many are in which state. */
async function all(window) {
  await window.go('/workflows');
  await window.sees('family-child', 'cancelled-by-page', 'stuck', 'answers', 'continues');
  for (const status of ['Running', 'Completed', 'Failed', 'ContinuedAsNew', 'Canceled', 'Terminated']) {
    await window.id(`workflow-status-${status}`).waitFor();
  }
}

/** A click on a count shows these alone. */
async function byStatus(window) {
  await window.go('/workflows');
  await window.id('workflow-status-Failed').click();
  await window.misses('family-child');
  await window.sees('fails');
  if (!window.page.url().includes('ExecutionStatus')) window.fail('has no filter in its address');
}

/** The filters of the menu: a type, then the beginning of an id. */
async function filtered(window) {
  await window.go('/workflows');
  await window.sees('family-child');
  await choose(window, 'WorkflowType');
  await window.page.locator('[data-testid^=dropdown-filter-chip-WorkflowType]').filter({ visible: true }).first().fill('Sleeps');
  await window.button('Apply').click();
  await window.misses('family-child', 'batch-1');
  await window.sees('sleeps-1', 'sleeps-2', 'ended');
}

/** A query by hand, with a custom search attribute. */
async function queried(window) {
  await window.go(`/workflows?query=${encodeURIComponent('`Colour`="green" AND `ExecutionStatus`="Running"')}`);
  await window.sees('batch-1', 'batch-2', 'batch-3');
  await window.misses('waits');
  await window.id('workflow-status-Running').filter({ hasText: '3' }).waitFor();
}

/** A query that is none: the page says so, and the server refuses it. */
async function refused(window) {
  await window.go(`/workflows?query=${encodeURIComponent('Nonsense')}`);
  await window.sees(/invalid|incomplete/i);
  window.complaints = window.complaints.filter((complaint) => !/^400 GET .*query=Nonsense|Initial count fetch failed/.test(complaint));
}

/** The views that the UI has by itself. */
async function views(window) {
  await window.go('/workflows');
  await window.sees('family-child');
  for (const [view, shown, hidden] of [['running', 'waits', 'answers'], ['child-workflows', 'family', 'family-child'], ['today', 'answers', null]]) {
    await window.id(view).click();
    await window.page.waitForURL(/query=/);
    await window.sees(shown);
    if (hidden) await window.misses(hidden);
  }
}

/** A view that somebody keeps. */
async function keptView(window) {
  await window.go(`/workflows?query=${encodeURIComponent('`WorkflowType`="Waits"')}`);
  await window.sees('waits');
  await window.misses('stuck');
  await window.button(/save view|save as new/i).click();
  await window.page.locator('dialog[open] input').first().fill('Those that wait');
  await window.page.locator('dialog[open]').getByRole('button', { name: /save/i }).click();
  await window.sees('Those that wait');
}

async function choose(window, attribute) {
  await window.id('add-filter-button').click();
  await window.id('workflow-filter-search').fill(attribute);
  await window.page.locator('li[role=menuitem]').filter({ visible: true, hasText: attribute }).filter({ hasText: 'Keyword' }).first().click();
}

// In this order: each may stand on those before it.
export default { all, byStatus, filtered, queried, refused, views, keptView };
