//! Names the thread that keeps the turn, and says what it is doing.

use std::{
    backtrace::Backtrace,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

/// The exit code of a simulation's process when a thread kept the turn and the world could not note it.
pub(crate) const EXIT_CODE: i32 = 86;

/// Where the stuck thread leaves its backtrace.
static BACKTRACE: Mutex<String> = Mutex::new(String::new());
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The report on simulated thread `number`, which has had the turn for `kept`.
pub(super) fn report(number: u32, kept: Duration) -> String {
    let seconds = kept.as_secs();
    let Some((name, task)) = super::kernel::describe(number) else {
        return format!("thread {number} has kept the turn for {seconds} s of real time");
    };
    let read = |what: &str| std::fs::read_to_string(format!("/proc/self/task/{task}/{what}")).unwrap_or_default();
    let state = read("stat").rsplit(')').next().and_then(|rest| rest.split_whitespace().next().map(str::to_owned));
    let doing = match state.as_deref() {
        Some("R") => "it is computing".to_owned(),
        Some("S" | "D") => format!("it waits in the system ({}), where the simulation cannot see it", read("wchan").trim()),
        other => format!("its state is {}", other.unwrap_or("unknown")),
    };
    let backtrace = backtrace_of(task);
    format!("thread \"{name}\" has kept the turn for {seconds} s of real time: {doing}.\n{backtrace}")
}

/// Interrupts the thread and makes it write its own backtrace. That is not safe in a signal handler in general, but this
/// process ends afterwards in any case.
fn backtrace_of(task: i32) -> String {
    extern "C" fn on_signal(_: libc::c_int) {
        let backtrace = super::kernel::exempt(|| Backtrace::force_capture().to_string());
        if let Ok(mut place) = BACKTRACE.try_lock() {
            *place = backtrace;
        }
        TAKEN.store(true, Ordering::Release);
    }
    // SAFETY: the handler is a function that lives for ever; the thread is one of this process.
    unsafe {
        libc::signal(libc::SIGUSR2, on_signal as *const () as libc::sighandler_t);
        libc::syscall(libc::SYS_tgkill, libc::getpid(), task, libc::SIGUSR2);
    }
    for _ in 0..200 {
        if TAKEN.load(Ordering::Acquire) {
            break;
        }
        thread::sleep(Duration::from_millis(10));
    }
    BACKTRACE.try_lock().map_or_else(|_| String::new(), |text| text.clone())
}
