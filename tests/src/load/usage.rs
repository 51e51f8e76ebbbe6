//! What a process has used so far, from `/proc`.

use std::{fs, time::Duration};

use anyhow::{Context, Result};

/// The unit of the times in `/proc/PID/stat`, a hundredth of a second: `USER_HZ`, part of the kernel's interface (proc(5)).
const TICK: Duration = Duration::from_millis(10);
/// The index of utime among the fields of `/proc/PID/stat` that follow the command's closing bracket. stime is the next.
const UTIME_FIELD: usize = 11;

/// CPU time and memory of one process at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// User and system time of all its threads, including ended ones, in steps of 10 ms.
    pub cpu: Duration,
    /// Resident memory now.
    pub rss_bytes: u64,
}

impl Usage {
    /// Reads it for a process that we may see.
    ///
    /// # Errors
    /// The process is gone, or this is not Linux.
    pub fn of(pid: u32) -> Result<Self> {
        let stat = read(&format!("/proc/{pid}/stat"))?;
        let (_, fields) = stat.rsplit_once(')').context("no command in /proc/PID/stat")?;
        let ticks: Vec<u32> = fields.split_whitespace().skip(UTIME_FIELD).take(2).map(str::parse).collect::<Result<_, _>>()?;
        let status = read(&format!("/proc/{pid}/status"))?;
        let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS in /proc/PID/status")?;
        let rss_kib: u64 = rss.trim().trim_end_matches("kB").trim().parse()?;
        Ok(Self { cpu: TICK * ticks.iter().sum::<u32>(), rss_bytes: rss_kib * 1024 })
    }
}

/// CPU time that all processes of this machine have used so far. Its growth, minus the server's and our own, is that of other
/// processes. A measurement with busy neighbours is worth less.
///
/// # Errors
/// This is not Linux.
pub fn machine_cpu() -> Result<Duration> {
    let stat = read("/proc/stat")?;
    let fields = stat.lines().next().and_then(|line| line.strip_prefix("cpu ")).context("no total in /proc/stat")?;
    let ticks: Vec<u32> = fields.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    // user nice system idle iowait irq softirq steal (proc(5)); guest time is a part of user time.
    let busy = ticks.iter().take(8).enumerate().filter(|(field, _)| !matches!(field, 3 | 4));
    Ok(TICK * busy.map(|(_, ticks)| ticks).sum::<u32>())
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("reading {path}"))
}

#[cfg(test)]
mod tests {
    use std::{process, time::Instant};

    use super::*;

    #[test]
    fn busy_time_and_touched_memory_show() {
        let before = Usage::of(process::id()).unwrap();
        let machine_before = machine_cpu().unwrap();
        let memory = vec![1_u8; 64 << 20];
        let start = Instant::now();
        let mut sum = 0_u64;
        while start.elapsed() < Duration::from_millis(200) {
            sum += memory.iter().step_by(4096).map(|&byte| u64::from(byte)).sum::<u64>();
        }
        let after = Usage::of(process::id()).unwrap();
        assert!(sum > 0);
        assert!(after.cpu > before.cpu, "{before:?} {after:?}");
        assert!(machine_cpu().unwrap() > machine_before);
        assert!(after.rss_bytes >= before.rss_bytes + (60 << 20), "{before:?} {after:?}");
    }
}
