//! Curves over two axes, as SVG whose colours follow the reader's light or dark.

use crate::error::{Error, Result};
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::element::PathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// plotters rounds coordinates to whole units, which ten to a pixel make invisible.
const UNITS: i32 = 10;
const WIDTH: i32 = 560;
const HEIGHT: i32 = 340;
const FONT: i32 = 13;

const INK: RGBColor = RGBColor(0, 0, 0);
const RULE: RGBColor = RGBColor(0xd9, 0xd7, 0xd1);

/// Okabe and Ito's colours without the yellow that white does not show, in an order in which neighbours differ in
/// lightness too.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x56, 0x60, 0x6a),
];

/// Dashes in units, so that no curve is told by its colour alone.
const DASHES: [&str; 6] = ["", "80 45", "20 40", "130 40 20 40", "45 25", "200 50"];

/// The style of a picture that stands alone.
const STYLE: &str = "<style>svg{color:#1c1b19;background:#fdfdfc}\
@media(prefers-color-scheme:dark){svg{color:#e9e7e2;background:#161615}.rule{stroke:#3b3a36}.s0{stroke:#56b4e9}\
.s1{stroke:#e69f00}.s2{stroke:#2fc39a}.s3{stroke:#dd95bf}.s4{stroke:#f0e442}.s5{stroke:#b7bfc7}}</style>\n";

/// How numbers lie along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Evenly.
    Linear,
    /// By their logarithm to the base 10; what is not above zero is left out.
    Log,
}

/// An axis.
#[derive(Clone, Debug)]
pub struct Axis {
    /// What it shows, with its unit.
    pub label: String,
    /// Its least number.
    pub low: f64,
    /// Its largest.
    pub high: f64,
    /// How numbers lie along it.
    pub scale: Scale,
}

/// The places along an axis, with the ticks that are asked for.
struct Places {
    ends: (f64, f64),
    ticks: Vec<f64>,
}

impl Ranged for Places {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, place: &f64, limit: (i32, i32)) -> i32 {
        let part = (place - self.ends.0) / (self.ends.1 - self.ends.0);
        limit.0 + (f64::from(limit.1 - limit.0) * part).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> std::ops::Range<f64> {
        self.ends.0..self.ends.1
    }
}

/// A curve; where a number is not finite it is broken.
#[derive(Clone, Debug)]
pub struct Curve {
    /// What it shows.
    pub name: String,
    /// Its points.
    pub points: Vec<(f64, f64)>,
}

/// Curves over two axes.
#[derive(Clone, Debug)]
pub struct Chart {
    /// From left to right.
    pub x: Axis,
    /// From below to above.
    pub y: Axis,
    /// At most 6.
    pub curves: Vec<Curve>,
}

impl Axis {
    /// An axis on which numbers lie evenly.
    pub fn linear(label: &str, low: f64, high: f64) -> Axis {
        Axis { label: label.into(), low, high, scale: Scale::Linear }
    }

    /// An axis on which numbers lie by their logarithm.
    pub fn log(label: &str, low: f64, high: f64) -> Axis {
        Axis { label: label.into(), low, high, scale: Scale::Log }
    }

    fn place(&self, x: f64) -> f64 {
        if self.scale == Scale::Log { x.log10() } else { x }
    }

    fn ends(&self) -> (f64, f64) {
        (self.place(self.low), self.place(self.high))
    }

    /// Round numbers along the axis, at most about 8, by their place.
    fn ticks(&self) -> Vec<f64> {
        let (low, high) = self.ends();
        let rough = (high - low) / 7.0;
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|step| *step >= rough);
        let step = step.unwrap_or(10.0 * power);
        // between powers of ten there is no round place on a logarithmic axis
        let step = if self.scale == Scale::Log { step.ceil() } else { step };
        let first = (low / step - 1e-9).ceil();
        let count = ((high / step + 1e-9).floor() - first).max(0.0) as usize;
        (0..=count).map(|i| (first + i as f64) * step).collect()
    }

    /// What stands at a tick.
    fn tick(&self, place: f64) -> String {
        match self.scale {
            Scale::Log => format!("10{}", superscript(place.round() as i64)),
            Scale::Linear => short(place, (self.high - self.low).abs()),
        }
    }

    fn check(&self, name: &str) -> Result<()> {
        let allowed = "finite ends, the first below the second, and above 0 where the axis is logarithmic";
        let (low, high) = self.ends();
        let fine = low.is_finite() && high.is_finite() && low < high && (high - low).is_finite();
        if fine { Ok(()) } else { Err(Error::domain(name, format!("{:e} to {:e}", self.low, self.high), allowed)) }
    }
}

/// A number beside others of this size, without the noise of its last digits.
fn short(x: f64, size: f64) -> String {
    if x.abs() < 1e-9 * size {
        return "0".into();
    }
    if !(1e-3..1e5).contains(&x.abs()) {
        let text = format!("{x:.2e}");
        let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
        let digits = digits.trim_end_matches('0').trim_end_matches('.');
        return format!("{digits}e{power}").replace('-', "−");
    }
    let text = format!("{x:.6}");
    text.trim_end_matches('0').trim_end_matches('.').replace('-', "−")
}

fn superscript(n: i64) -> String {
    let digit = |c| match c {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '0' => '⁰',
        other => char::from_u32(u32::from('⁰') + u32::from(other) - u32::from('0')).unwrap_or(other),
    };
    n.to_string().chars().map(digit).collect()
}

impl Chart {
    /// The chart as SVG without a style, to stand in a page that has one.
    ///
    /// # Errors
    /// If an axis has no extent.
    pub fn svg(&self) -> Result<String> {
        self.x.check("the horizontal axis")?;
        self.y.check("the vertical axis")?;
        let mut text = String::new();
        let drawn = self.draw(SVGBackend::with_string(&mut text, ((WIDTH * UNITS) as u32, (HEIGHT * UNITS) as u32)));
        drawn.map_err(|problem| Error::domain("the picture", problem, "what plotters can draw"))?;
        Ok(themed(&text))
    }

    fn draw(&self, backend: SVGBackend) -> std::result::Result<(), String> {
        fn told(problem: impl std::fmt::Display) -> String {
            problem.to_string()
        }
        let root = backend.into_drawing_area();
        let font = ("sans-serif", FONT * UNITS).into_font().color(&INK);
        let row = (FONT + 7) * UNITS;
        let rows = self.legend(|colour, at, name| {
            let (x, y) = at;
            let sample = [(x, y), (x + 30 * UNITS, y)];
            root.draw(&PathElement::new(sample, colour.stroke_width(2 * UNITS as u32))).map_err(told)?;
            let left = font.pos(Pos::new(HPos::Left, VPos::Center));
            root.draw(&Text::new(name.to_string(), (x + 36 * UNITS, y), left)).map_err(told)
        })?;
        let top = rows * row + row;
        let left = font.pos(Pos::new(HPos::Left, VPos::Center));
        root.draw(&Text::new(self.y.label.clone(), (4 * UNITS, top - row / 2), left)).map_err(told)?;
        let mut chart = ChartBuilder::on(&root)
            .margin_top(top + 4 * UNITS)
            .margin_right(18 * UNITS)
            .margin_left(2 * UNITS)
            .x_label_area_size(40 * UNITS)
            .y_label_area_size(52 * UNITS)
            .build_cartesian_2d(
                Places { ends: self.x.ends(), ticks: self.x.ticks() },
                Places { ends: self.y.ends(), ticks: self.y.ticks() },
            )
            .map_err(told)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(RULE.stroke_width(UNITS as u32))
            .axis_style(INK.stroke_width(UNITS as u32))
            .set_all_tick_mark_size(4 * UNITS)
            .label_style(font.clone())
            .x_label_formatter(&|place| self.x.tick(*place))
            .y_label_formatter(&|place| self.y.tick(*place))
            .x_desc(self.x.label.clone())
            .axis_desc_style(font.clone())
            .draw()
            .map_err(told)?;
        for (curve, colour) in self.curves.iter().zip(COLOURS) {
            let placed = curve.points.iter().map(|&(a, b)| (self.x.place(a), self.y.place(b))).collect::<Vec<_>>();
            for part in placed.split(|(a, b)| !(a.is_finite() && b.is_finite())).filter(|part| !part.is_empty()) {
                let line = LineSeries::new(part.iter().copied(), colour.stroke_width(2 * UNITS as u32));
                chart.draw_series(line).map_err(told)?;
            }
        }
        root.present().map_err(told)
    }

    /// Places the names of the curves in rows from the top, and gives the number of rows.
    fn legend(
        &self,
        mut draw: impl FnMut(RGBColor, (i32, i32), &str) -> std::result::Result<(), String>,
    ) -> std::result::Result<i32, String> {
        let (mut x, mut row) = (4, 0);
        for (curve, colour) in self.curves.iter().zip(COLOURS) {
            // letters are a little over half as wide as they are high
            let width = 36 + (curve.name.chars().count() as i32 * FONT * 11) / 20 + 14;
            if x > 4 && x + width > WIDTH {
                (x, row) = (4, row + 1);
            }
            draw(colour, (x * UNITS, (row * (FONT + 7) + (FONT + 7) / 2) * UNITS), &curve.name)?;
            x += width;
        }
        Ok(row + 1)
    }
}

/// The SVG of plotters with classes in place of fixed colours, and with dashes.
fn themed(svg: &str) -> String {
    let hex = |colour: RGBColor| format!("#{:02X}{:02X}{:02X}", colour.0, colour.1, colour.2);
    let sized = format!("width=\"{}\" height=\"{}\" ", WIDTH * UNITS, HEIGHT * UNITS);
    let mut text = svg.replacen(&sized, &format!("width=\"{WIDTH}\" height=\"{HEIGHT}\" "), 1);
    text = text.replace(&hex(INK), "currentColor");
    text = text.replace(&format!("stroke=\"{}\"", hex(RULE)), &format!("class=\"rule\" stroke=\"{}\"", hex(RULE)));
    for (i, (colour, dashes)) in COLOURS.into_iter().zip(DASHES).enumerate() {
        let stroke = format!("stroke=\"{}\"", hex(colour));
        let dashes = if dashes.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{dashes}\"") };
        text = text.replace(&stroke, &format!("class=\"s{i}\" {stroke}{dashes}"));
    }
    text.trim_end().to_string()
}

/// A picture with the style that it needs outside of the page.
pub fn standalone(svg: &str) -> String {
    match svg.split_once(">\n") {
        Some((head, rest)) => format!("{head}>\n{STYLE}{rest}\n"),
        None => svg.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(x: Axis, y: Axis) -> Chart {
        let curve = |name: &str| Curve { name: name.into(), points: vec![(1.0, 1.0), (2.0, 10.0)] };
        Chart { x, y, curves: vec![curve("a < b"), curve("c")] }
    }

    #[test]
    fn text_is_text_and_colours_are_classes() {
        let svg = chart(Axis::linear("step", 0.0, 10.0), Axis::log("error, ulp", 0.1, 1e4)).svg().unwrap();
        for part in [
            "a &lt; b",
            "error, ulp",
            "10⁻¹",
            "10⁴",
            "currentColor",
            "class=\"s1\"",
            "stroke-dasharray",
            "class=\"rule\"",
        ] {
            assert!(svg.contains(part), "{part}: {svg}");
        }
        assert!(!svg.contains("#000000"));
        assert!(standalone(&svg).contains("prefers-color-scheme"));
    }

    #[test]
    fn an_axis_without_extent_is_told() {
        let fine = || Axis::linear("x", 0.0, 1.0);
        for wrong in [Axis::linear("x", 1.0, 1.0), Axis::linear("x", f64::NAN, 1.0), Axis::log("x", 0.0, 1.0)] {
            assert!(chart(wrong.clone(), fine()).svg().is_err() && chart(fine(), wrong).svg().is_err());
        }
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(Axis::linear("", 0.0, 1000.0).ticks(), [0.0, 200.0, 400.0, 600.0, 800.0, 1000.0]);
        assert_eq!(Axis::log("", 1e-2, 1e2).ticks(), [-2.0, -1.0, 0.0, 1.0, 2.0]);
        assert_eq!(short(3e-4, 1e-3), "3e−4");
        assert_eq!(short(0.30000000000000004, 1.0), "0.3");
    }
}
