// Schedules: what there is, and what can be done with them.

async function find(window, id) {
  await window.go('/schedules');
  await window.page.getByRole('link', { name: id, exact: true }).first().click();
  await window.sees(id);
}

async function list(window) {
  await window.go('/schedules');
  await window.sees('yearly', 'Answers');
}

async function described(window) {
  await find(window, 'yearly');
  await window.sees('Answers', /Upcoming Runs/, /12:00/);
}

/** A schedule made by hand, which then is in the list. */
async function created(window) {
  await window.go('/schedules/create');
  await window.id('schedule-name-input').fill('by-page');
  await window.id('schedule-type-input').fill('Waits');
  await window.id('schedule-workflow-id-input').fill('from-schedule');
  await window.id('schedule-task-queue-input').fill('cli');
  await window.page.locator('[data-testid^=cron-string]').first().fill('0 12 1 1 *');
  await window.id('create-schedule-button').click();
  await window.page.waitForURL(/\/schedules(\/by-page)?$/);
  await window.until('the new schedule', '/schedules', (answer) => answer.schedules?.some((schedule) => schedule.scheduleId === 'by-page'));
  await find(window, 'by-page');
  await window.sees('Waits');
}

/** It is given a spec that never comes, and the type of another workflow. */
async function edited(window) {
  await window.go('/schedules/by-page/edit');
  await window.id('schedule-type-input').fill('Sleeps');
  await window.button(/^Save/).click();
  await window.page.waitForURL(/\/schedules\/by-page$/);
  await until(window, 'the new type', ({ schedule }) => schedule.action.startWorkflow.workflowType.name === 'Sleeps');
  await window.go('/schedules/by-page');
  await window.sees('Sleeps');
}

async function triggered(window) {
  await window.go('/schedules/by-page');
  await action(window, 'trigger-schedule');
  await window.dialog.getByRole('button', { name: 'Trigger' }).click();
  await until(window, 'its run', ({ info }) => info.recentActions?.length === 1);
  await window.go('/schedules/by-page');
  await window.sees(/from-schedule-/);
}

async function paused(window) {
  await window.go('/schedules/by-page');
  await window.button('Pause').click();
  await window.dialog.locator('input, textarea').first().fill('for a while');
  await window.dialog.getByRole('button', { name: 'Pause' }).click();
  await until(window, 'that it is paused', ({ schedule }) => schedule.state.paused && /for a while/.test(schedule.state.notes));
  await window.go('/schedules/by-page');
  await window.button('Unpause').waitFor();
  await window.shot('paused-now');
  await window.button('Unpause').click();
  await window.dialog.locator('input, textarea').first().fill('go on');
  await window.dialog.getByRole('button', { name: 'Unpause' }).click();
  await until(window, 'that it goes on', ({ schedule }) => !schedule.state.paused && /go on/.test(schedule.state.notes));
}

async function backfilled(window) {
  await window.go('/schedules/by-page');
  await action(window, 'backfill-schedule');
  await window.dialog.getByRole('button', { name: /Schedule|Backfill/ }).last().click();
  await window.dialog.waitFor({ state: 'detached' });
}

async function deleted(window) {
  await window.go('/schedules/by-page');
  await action(window, 'delete-schedule');
  await window.dialog.getByRole('button', { name: 'Delete' }).click();
  await window.page.waitForURL(/\/schedules$/);
  await window.until('that it is gone', '/schedules', (answer) => answer.schedules.every((schedule) => schedule.scheduleId !== 'by-page'));
  await window.go('/schedules');
  await window.sees('yearly');
  await window.misses('by-page');
}

async function action(window, name) {
  await window.button('Schedule Actions').click();
  await window.id(name).click();
}

async function until(window, what, holds) {
  await window.until(what, '/schedules/by-page', holds);
}

// In this order: each may stand on those before it.
export default { list, described, created, edited, triggered, paused, backfilled, deleted };
