//! `gradproof vectors`: the golden vectors, which the command carries with it.

use super::{AS_EXPECTED, Format, print, unusable};
use comfy_table::{Table, presets};
use gradproof::arrays::{self, Array, Arrays};
use gradproof::vectors::{Case, Expected, File, Group, tidy};
use gradproof::{catalog, json};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The golden vectors: list them, show some, or export those of a formula.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// One line for every case
    List {
        /// Only of this formula
        #[arg(long)]
        formula: Option<String>,
        #[command(flatten)]
        filter: Filter,
        /// For a reader or for a program
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Cases in full, with what their flags mean
    Show {
        /// Case ids, such as adamw/steps/0
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// The vectors of a formula, as a file of their own
    Export {
        /// The formula's id
        formula: String,
        #[command(flatten)]
        filter: Filter,
        /// JSON as in fixtures/vectors, or arrays
        #[arg(long, value_enum, default_value_t = Kind::Json)]
        format: Kind,
        /// The file to write; JSON goes to the standard output without it
        #[arg(long)]
        out: Option<PathBuf>,
    },
}

#[derive(clap::Args)]
struct Filter {
    /// Only cases with one of these flags, such as decay-coupled or epsilon
    #[arg(long = "flag")]
    flags: Vec<String>,
    /// Only cases under this option, or that have an answer under it: epsilon=hat
    #[arg(long = "convention", value_name = "AXIS=OPTION")]
    conventions: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    Json,
    Npz,
    Safetensors,
}

pub fn run(arguments: &Arguments) -> u8 {
    let done = match &arguments.command {
        Command::List { formula, filter, format } => list(formula.as_deref(), filter, *format),
        Command::Show { ids } => show(ids),
        Command::Export { formula, filter, format, out } => export(formula, filter, *format, out.as_deref()),
    };
    match done {
        Ok(text) => {
            print(&text);
            AS_EXPECTED
        }
        Err(message) => unusable(&message),
    }
}

/// The files, as they are in this build.
macro_rules! texts {
    ($($id:literal),+ $(,)?) => {
        &[$(($id, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/vectors/", $id, ".json")))),+]
    };
}

const TEXTS: &[(&str, &str)] = texts![
    "cross-entropy",
    "info-nce",
    "info-nce-in-batch",
    "dpo",
    "dpo-from-logits",
    "adamw",
    "adam-l2",
    "lion",
    "sophia",
    "gauss-newton-bartlett",
    "hutchinson",
    "sgd",
    "cosine",
    "wsd",
    "linear",
    "inverse-sqrt",
    "noam",
];

/// The vectors of a formula.
pub fn file(formula: &str) -> Result<File, String> {
    let id = catalog::formula(formula).map_err(|e| e.to_string())?.id;
    let text = TEXTS.iter().find(|(known, _)| *known == id).ok_or_else(|| format!("{id} has no vectors"))?.1;
    File::parse(text).map_err(|e| format!("the vectors of {id}: {e}"))
}

impl Filter {
    fn of(&self, file: File) -> File {
        let chosen: Vec<(&str, &str)> = self.conventions.iter().filter_map(|c| c.split_once('=')).collect();
        let under = |group: &Group, case: &Case, axis: &str, option: &str| {
            let answers = case.answers.iter().flatten().map(|answer| &answer.conventions);
            std::iter::once(&group.conventions).chain(answers).any(|c| c.get(axis).is_some_and(|o| o == option))
        };
        file.only(|group, case| {
            (self.flags.is_empty() || self.flags.iter().any(|flag| case.flags.contains(flag)))
                && chosen.iter().all(|(axis, option)| under(group, case, axis, option))
        })
    }

    /// # Errors
    /// If a flag or an option is none of the formulas'.
    fn check(&self, files: &[File]) -> Result<(), String> {
        let known = |flag: &String| files.iter().any(|file| file.notes.contains_key(flag));
        if let Some(flag) = self.flags.iter().find(|flag| !known(flag)) {
            return Err(format!("flag: found {flag:?}, allowed are those that `gradproof vectors list` shows"));
        }
        let formulas = || files.iter().filter_map(|file| catalog::formula(&file.formula).ok());
        let known = |axis: &str, option: &str| {
            formulas().flat_map(|f| f.axes).any(|a| a.id == axis && a.options.iter().any(|o| o.id == option))
        };
        for text in &self.conventions {
            if !text.split_once('=').is_some_and(|(axis, option)| known(axis, option)) {
                let axes: Vec<&str> = formulas().flat_map(|f| f.axes).map(|axis| axis.id).collect();
                return Err(format!(
                    "convention: found {text:?}, allowed is AXIS=OPTION; the axes are {}",
                    axes.join(", ")
                ));
            }
        }
        Ok(())
    }
}

fn list(formula: Option<&str>, filter: &Filter, format: Format) -> Result<String, String> {
    let ids: Vec<&str> = formula.map_or_else(|| TEXTS.iter().map(|(id, _)| *id).collect(), |id| vec![id]);
    let files = ids.into_iter().map(file).collect::<Result<Vec<_>, _>>()?;
    filter.check(&files)?;
    let files: Vec<File> = files.into_iter().map(|file| filter.of(file)).collect();
    let cases: Vec<&Case> = files.iter().flat_map(|file| file.cases().map(|(_, case)| case)).collect();
    if format == Format::Json {
        let one = |case: &&Case| json!({ "id": case.id, "result": case.result.word(), "flags": case.flags, "comment": case.comment });
        return Ok(cases.iter().map(one).collect::<Value>().to_string());
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["case", "result", "flags", "comment"]);
    for case in &cases {
        table.add_row([&case.id, case.result.word(), &case.flags.join(" "), &case.comment]);
    }
    Ok(format!("{table}\n\n{} cases", cases.len()))
}

fn show(ids: &[String]) -> Result<String, String> {
    let mut texts = Vec::new();
    for id in ids {
        let formula = id.split('/').next().unwrap_or_default();
        let file = file(formula)?.only(|_, case| case.id == *id);
        if file.groups.is_empty() {
            return Err(format!("{id}: there is no such case; `gradproof vectors list --formula {formula}` has all"));
        }
        texts.push(tidy(&json!({ "notes": file.notes, "groups": file.groups })));
    }
    Ok(texts.join("\n"))
}

fn export(formula: &str, filter: &Filter, format: Kind, out: Option<&Path>) -> Result<String, String> {
    let whole = file(formula)?;
    filter.check(std::slice::from_ref(&whole))?;
    let file = filter.of(whole);
    let count = file.cases().count();
    let bytes = match format {
        Kind::Json => file.text().into_bytes(),
        Kind::Npz => arrays::Format::Npz.write(&in_arrays(&file)).map_err(|e| e.to_string())?,
        Kind::Safetensors => arrays::Format::Safetensors.write(&in_arrays(&file)).map_err(|e| e.to_string())?,
    };
    let Some(path) = out else {
        return match String::from_utf8(bytes) {
            Ok(text) if format == Kind::Json => Ok(text),
            _ => Err("out: arrays go to a file, which --out names".into()),
        };
    };
    super::write(path, &bytes).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(format!("{count} cases in {}", path.display()))
}

/// Every case in arrays: `ID#input/..`, `ID#output/..` or `ID#answers/ANSWER/..`, and all that is no array in
/// `ID#case`, a JSON text.
fn in_arrays(file: &File) -> Arrays {
    let mut out = Arrays::new();
    for (group, case) in file.cases() {
        let id = &case.id;
        case.input.iter().for_each(|(name, value)| {
            // the wrapper makes the field's name part of the path
            let field = json!({ name: value });
            arrays::flatten(&format!("{id}#input"), &field, &mut out);
        });
        case.output.iter().for_each(|output| arrays::flatten(&format!("{id}#output"), output, &mut out));
        for answer in case.answers.iter().flatten() {
            let name = format!("{id}#answers/{}", answer.id);
            answer.output.iter().for_each(|output| arrays::flatten(&name, output, &mut out));
        }
        let mut rest = json::write(case);
        let left_out =
            if case.result == Expected::Acceptable { &["input", "answers"][..] } else { &["input", "output"] };
        left_out.iter().for_each(|name| drop(rest.as_object_mut().map(|fields| fields.remove(*name))));
        rest["hyperparameters"] = group.hyperparameters.clone().into();
        rest["conventions"] = json!(group.conventions);
        out.insert(format!("{id}#case"), Array::text(rest.to_string()));
    }
    out
}
