use super::SIGNATURES;
use super::signatures::{Parameter, Signature, Sort};
use crate::catalog;
use crate::judges::Run;
use crate::number::{Rounded, Rounding, evaluate};
use crate::prove::elaborate::Stopped;
use crate::prove::text::Text;
use crate::prove::{sampled, sizes, stated};

/// What a parameter is given here, and its declaration if it has one. Steps and parameters are single, rows and
/// pairs several.
fn given(signature: &Signature, parameter: &Parameter, settings: &str) -> (String, String) {
    let warmup = if settings.contains("zero-warmup") { "0" } else { "2" };
    let t = if settings.contains("first-step") { "1" } else { "3" };
    let known = [("warmup_steps", warmup), ("total_steps", "8"), ("decay_steps", "3"), ("d_model", "4"), ("t", t)];
    let name = format!("the_{}", parameter.name);
    let single = signature.leading.filter(|leading| *leading != "B");
    let shape: Vec<&str> = parameter.shape.iter().filter(|dim| Some(**dim) != single).copied().collect();
    let known = known.iter().find(|(known, _)| parameter.sort == Sort::Whole && *known == parameter.name);
    let undamped = parameter.name == "dampening" && settings.contains("nesterov");
    let known = known.map(|(_, value)| *value).or(undamped.then_some("0"));
    if let Some(value) = known {
        return (value.to_string(), String::new());
    }
    if parameter.name == "step" {
        return (format!("{name} + 1"), format!("{name}: index[13]; "));
    }
    let positive = if matches!(parameter.name, "params" | "gradient" | "m" | "buf") { "" } else { " > 0" };
    let sort = match (parameter.sort, shape.as_slice()) {
        (Sort::Step, _) => "int >= 1".to_string(),
        (Sort::Whole, by) => format!("index[V][{}]", by.join(", ")),
        (_, []) => format!("real{positive}"),
        (_, [n]) => format!("vec[{n}]{positive}"),
        (_, [m, n]) => format!("mat[{m}, {n}]{positive}"),
        // the negatives, for which a matrix serves in every row
        (_, [rows, dims @ ..]) => {
            let declaration = format!("{name}: mat[{}] > 0; rows: vec[{rows}] > 0; ", dims.join(", "));
            return (format!("{name}_of"), format!("{declaration}{name}_of[i, j, c] = rows[i] * {name}[j, c]; "));
        }
    };
    (name.clone(), format!("{name}: {sort}; "))
}

/// The claim that a result is the same with another setting beside one that both have, and whether it is at the
/// points that are tried.
fn is_same(signature: &Signature, result: &str, both: &str, setting: &str) -> bool {
    let settings = format!("{both}{setting}");
    let amsgrad = settings.contains("amsgrad") && !setting.contains("off");
    let wanted = |parameter: &&Parameter| parameter.name != "v_max" || amsgrad;
    let (values, declarations): (Vec<String>, Vec<String>) = signature
        .parameters
        .iter()
        .filter(wanted)
        .map(|parameter| {
            let (value, declaration) = given(signature, parameter, &settings);
            let named = if parameter.optional { format!("{} = {value}", parameter.name) } else { value };
            (named, declaration)
        })
        .unzip();
    let arguments = values.join(", ");
    // amsgrad is compared with its other form, since without it v_max has no place
    let plain = if setting.contains("amsgrad") && amsgrad { r#", amsgrad = "raw""# } else { both };
    let call = format!("{}.{result}", signature.name);
    let text = format!("{}\n{call}({arguments}{plain}) == {call}({arguments}, {setting}{both})", declarations.concat());
    let read = Text::read(&text).unwrap_or_else(|error| panic!("{}", error.rendered(&text, "text")));
    let claim = &read.claims[0];
    let used = sizes::used(&read, claim);
    let tried = sizes::tried(&read, &sizes::sizes_of(&read, claim, &used));
    let instances = match stated::instances(&read, claim, &tried.first().unwrap().0, &Run::new(10, 1)) {
        Ok(instances) => instances,
        Err(Stopped::Unusable(error)) => panic!("{}", error.rendered(&text, "text")),
        Err(Stopped::TooLarge | Stopped::Late) => panic!("too large: {text}"),
    };
    sampled::points(&instances[0].instance, 8).all(|inputs: Vec<Rounded>| {
        let values = evaluate(&instances[0].instance.graph, &mut { Rounding::F64 }, &inputs);
        values.chunks(2).all(|pair| match pair {
            [Ok(left), Ok(right)] => left.low() <= right.high() && right.low() <= left.high(),
            _ => true,
        })
    })
}

#[test]
fn every_formula_of_the_catalog_can_be_called() {
    let named: Vec<&str> = SIGNATURES.iter().map(|signature| signature.id).collect();
    let known: Vec<&str> = catalog::FORMULAS.iter().map(|formula| formula.id).collect();
    assert_eq!(named, known, "a formula needs its signature, in the catalog's order");
}

#[test]
fn every_convention_can_be_asked_for() {
    for signature in SIGNATURES {
        let formula = catalog::formula(signature.id).unwrap();
        let options = |axis: &'static crate::formula::Axis| axis.options.iter().map(move |option| (axis.id, option.id));
        let settings = signature.settings.iter().flat_map(|(name, options)| options.iter().map(move |o| (*name, *o)));
        for (name, option) in formula.axes.iter().flat_map(options).chain(settings) {
            let setting = format!("{name} = \"{option}\"");
            for result in signature.results.iter().filter(|result| result.name != "v_max") {
                is_same(signature, result.name, "", &setting);
            }
        }
    }
}

/// Mistakes that show under a convention alone.
const UNDER: &[(&str, &str)] = &[
    ("info-nce-in-batch/columns-along-rows", r#", symmetric = "true""#),
    ("dpo/robust-undivided", r#", smoothing = "robust""#),
    ("adamw/v-max-not-kept", r#", amsgrad = "raw""#),
    ("sgd/nesterov-of-old-buffer", r#", nesterov = "true""#),
    ("cosine/restart-off-by-one", r#", after_end = "restart""#),
    ("wsd/restart-off-by-one", r#", after_end = "restart""#),
    ("linear/restart-off-by-one", r#", after_end = "restart""#),
    ("wsd/one-minus-sqrt-reversed", r#", shape = "one-minus-sqrt""#),
];

/// Mistakes that show in none of the results that can be called, and why.
const NOT_SEEN: &[(&str, &str)] = &[
    ("cross-entropy/ignore-inverted", "no row is ignored"),
    ("cross-entropy/smoothing-of-ignored", "no row is ignored"),
    ("cross-entropy/micro-batch-means", "no row is ignored"),
    ("lion/signum-of-zero", "it shows at 0 alone"),
];

#[test]
fn every_mistake_is_seen_in_some_result() {
    let mut unseen = Vec::new();
    for signature in SIGNATURES {
        for mistake in catalog::formula(signature.id).unwrap().mistakes {
            let id = format!("{}/{}", signature.id, mistake.id);
            let setting = format!("mistake = \"{}\"", mistake.id);
            let both = UNDER.iter().find(|(under, _)| *under == id).map_or("", |(_, both)| both);
            let mut results = signature.results.iter().filter(|result| result.name != "v_max" || both.contains("ams"));
            if results.all(|result| is_same(signature, result.name, both, &setting)) {
                unseen.push(id);
            }
        }
    }
    let known: Vec<&str> = NOT_SEEN.iter().map(|(id, _)| *id).collect();
    assert_eq!(unseen, known);
}
