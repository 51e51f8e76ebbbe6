//! What a run prints, shown while it runs.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

/// How long a line may be there before it is shown, in real time.
const LATE_MAX: Duration = Duration::from_millis(20);

/// Does `work`, in which a run writes its output into this file, and prints that line by line meanwhile: through `print!`, so that
/// `cargo test` shows it with `--nocapture`, and otherwise if the test fails. What the file has from an earlier run is gone.
///
/// # Errors
/// The file cannot be made.
pub(super) fn shown<T>(path: &Path, work: impl FnOnce() -> T) -> Result<T, String> {
    let file = File::create(path).and_then(|_| File::open(path));
    let file = file.map_err(|error| format!("cannot make {}: {error}", path.display()))?;
    let (running, over) = mpsc::channel::<()>();
    Ok(thread::scope(|scope| {
        scope.spawn(move || follow(BufReader::new(file), &over, |text| print!("{text}")));
        let done = work();
        drop(running);
        done
    }))
}

/// Passes on what is written into a file, in whole lines, until the other end of the channel is dropped, and then what is left.
fn follow(mut from: impl BufRead, over: &Receiver<()>, mut show: impl FnMut(&str)) {
    let mut line = Vec::new();
    loop {
        // Asked first: what was written before the end is read after it.
        let is_over = over.recv_timeout(LATE_MAX) != Err(RecvTimeoutError::Timeout);
        let read = lines(&mut from, &mut line, &mut show);
        if is_over || read.is_err() {
            show(&String::from_utf8_lossy(&line));
            return;
        }
    }
}

/// Shows the lines that are there. The beginning of the next one stays in `line`.
fn lines(from: &mut impl BufRead, line: &mut Vec<u8>, show: &mut impl FnMut(&str)) -> io::Result<()> {
    while from.read_until(b'\n', line)? > 0 {
        if line.ends_with(b"\n") {
            show(&String::from_utf8_lossy(line));
            line.clear();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn what_is_written_is_passed_on_while_more_is_to_come_and_nothing_is_lost() {
        let (reader, mut writer) = io::pipe().unwrap();
        let (running, over) = mpsc::channel::<()>();
        let (show, shown) = mpsc::channel::<String>();
        let follower = thread::spawn(move || follow(BufReader::new(reader), &over, |text| show.send(text.to_owned()).unwrap()));
        writer.write_all("grün\nge".as_bytes()).unwrap();
        assert_eq!(shown.recv().unwrap(), "grün\n");
        writer.write_all(b"lb\nno end").unwrap();
        assert_eq!(shown.recv().unwrap(), "gelb\n");
        drop((running, writer));
        follower.join().unwrap();
        assert_eq!(shown.iter().filter(|text| !text.is_empty()).collect::<Vec<_>>(), ["no end"]);
    }
}
