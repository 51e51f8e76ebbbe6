//! Draws how likely a run was to fail, over its moments.

use foretime_page::escaped;

use crate::{
    model::{Doom, DoomPoint},
    words::duration,
};

const WIDTH: u32 = 640;
const HEIGHT: u32 = 72;
/// Room for the texts at the sides and below.
const LEFT: u32 = 44;
const BELOW: u32 = 18;

/// A figure with a step line: the share of runs that fail when all is drawn anew from a moment on. The moments are those that
/// were looked at, one beside the other, because most of a run's time is idle.
pub(super) fn figure(doom: &Doom) -> String {
    let count = doom.points.len();
    let (Some(first), Some(last)) = (doom.points.first(), doom.points.last()) else { return String::new() };
    let x = |number: usize| LEFT + scaled(number, count, WIDTH - LEFT);
    let y = |point: &DoomPoint| HEIGHT - scaled(point.failing as usize, point.runs as usize, HEIGHT - 4);
    let mut line = format!("M{LEFT} {}", y(first));
    for (number, point) in doom.points.iter().enumerate() {
        line += &format!("V{}H{}", y(point), x(number + 1));
    }
    let marks = doom.points.iter().enumerate().map(|(number, point)| {
        let (at, width) = (x(number), x(number + 1) - x(number));
        let title = format!("from {} on: {} of {} fail", duration(point.at_ns), point.failing, point.runs);
        format!("<rect x=\"{at}\" y=\"0\" width=\"{width}\" height=\"{HEIGHT}\"><title>{}</title></rect>", escaped(&title))
    });
    let told = doom.told.clone().unwrap_or_else(|| "How likely the run was to fail does not jump at any moment.".to_owned());
    format!(
        "<figure class=\"doom\"><figcaption><b>When it was doomed.</b> {}</figcaption>\
         <svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"{}\">\
         <text x=\"{}\" y=\"10\">100 %</text><text x=\"{}\" y=\"{HEIGHT}\">0 %</text>\
         <path class=\"line\" d=\"{line}\"/>{}\
         <text class=\"first\" x=\"{LEFT}\" y=\"{}\">{}</text><text x=\"{WIDTH}\" y=\"{}\">{}</text></svg></figure>",
        escaped(&told),
        HEIGHT + BELOW,
        escaped(&told),
        LEFT - 6,
        LEFT - 6,
        marks.collect::<String>(),
        HEIGHT + BELOW - 4,
        escaped(&duration(first.at_ns)),
        HEIGHT + BELOW - 4,
        escaped(&duration(last.at_ns)),
    )
}

/// `part` of `whole`, in so many units.
fn scaled(part: usize, whole: usize, units: u32) -> u32 {
    let whole = u32::try_from(whole.max(1)).unwrap_or(u32::MAX);
    u32::try_from(part).unwrap_or(whole).min(whole) * units / whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_rises_where_the_share_does() {
        let point = |at_ns, failing| DoomPoint { at_ns, failing, runs: 4 };
        let told = Some("It lies <between>.".to_owned());
        let drawn = figure(&Doom { points: vec![point(0, 0), point(1_000_000_000, 4)], told });
        assert!(drawn.contains("d=\"M44 72V72H342V4H640\""), "{drawn}");
        assert!(
            drawn.contains("<title>from 1 s on: 4 of 4 fail</title>") && drawn.contains("It lies &lt;between&gt;."),
            "{drawn}"
        );
    }

    #[test]
    fn without_moments_there_is_no_figure() {
        assert_eq!(figure(&Doom { points: Vec::new(), told: None }), "");
    }
}
