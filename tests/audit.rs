//! Audits of training steps from files: what conforms, what differs, and files that are wrong.

#![cfg(feature = "audit")]

use gradproof::audit::{Config, Error, Partition, Report, Verdict, audit};
use gradproof::catalog;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A safetensors file of f32 tensors.
fn write(path: &Path, tensors: &[(&str, Vec<f32>)]) {
    let mut header = serde_json::Map::new();
    let mut data = Vec::new();
    for (name, values) in tensors {
        let begin = data.len();
        data.extend(values.iter().flat_map(|x| x.to_le_bytes()));
        let entry = json!({ "dtype": "F32", "shape": [values.len()], "data_offsets": [begin, data.len()] });
        header.insert((*name).into(), entry);
    }
    raw(path, &Value::Object(header).to_string(), &data);
}

fn raw(path: &Path, header: &str, data: &[u8]) {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    std::fs::write(path, bytes).unwrap();
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn config(&self, more: &str) -> Config {
        let text = format!(
            "optimizer = \"adamw\"\nlr = 1e-3\nbefore = \"before.safetensors\"\nafter = \"after.safetensors\"\n\
             grads = \"grads.safetensors\"\n{more}"
        );
        std::fs::write(self.path("audit.toml"), text).unwrap();
        Config::read(&self.path("audit.toml")).unwrap()
    }
}

/// The first step of AdamW on two tensors, by the oracle, rounded to f32.
fn first_step(folder: &Folder) -> (Vec<f32>, Vec<f32>) {
    let (a, b) = (vec![0.5, -1.25, 2.0], vec![0.75f32; 5]);
    let (ga, gb) = (vec![0.1f32, -0.2, 0.3], vec![1e-3f32, -1e-3, 0.5, 2.0, 0.0]);
    let input = json!({ "params": [a, b], "gradients": [[ga, gb]], "lr": 1e-3 });
    let output = catalog::evaluate("adamw", input).unwrap();
    let after = |tensor: usize| -> Vec<f32> {
        let list = output["steps"][0]["params"][tensor].as_array().unwrap();
        list.iter().map(|x| x.as_f64().unwrap() as f32).collect()
    };
    write(&folder.path("before.safetensors"), &[("a", a), ("b", b)]);
    write(&folder.path("grads.safetensors"), &[("a", ga), ("b", gb)]);
    write(&folder.path("after.safetensors"), &[("a", after(0)), ("b", after(1))]);
    (after(0), after(1))
}

fn run(config: &Config) -> Result<Report, Error> {
    audit(config, None, &|_| {})
}

#[test]
fn a_right_step_conforms_and_one_wrong_element_is_located() {
    let folder = Folder::new();
    let (a, mut b) = first_step(&folder);
    let report = run(&folder.config("step = 1\n")).unwrap();
    assert!(report.conforms() && report.tensors.len() == 2, "{report:?}");
    assert!(report.tensors.iter().all(|t| t.worst.as_ref().is_some_and(|w| w.over_budget <= 1.0)));

    b[3] += 1e-5;
    write(&folder.path("after.safetensors"), &[("a", a), ("b", b)]);
    let report = run(&folder.config("step = 1\n")).unwrap();
    let differing = report.tensors.iter().find(|t| t.verdict == Verdict::Differs).unwrap();
    let worst = differing.worst.as_ref().unwrap();
    assert_eq!((differing.name.as_str(), worst.index, differing.differing.count), ("b", 3, 1));
    assert!(!report.conforms() && worst.over_budget > 1.0);
}

#[test]
fn a_tensor_without_a_gradient_may_not_move() {
    let folder = Folder::new();
    let (a, mut b) = first_step(&folder);
    write(&folder.path("grads.safetensors"), &[("a", vec![0.1, -0.2, 0.3])]);
    b[0] = 0.75;
    write(&folder.path("after.safetensors"), &[("a", a), ("b", b)]);
    let report = run(&folder.config("step = 1\n")).unwrap();
    let moved = report.tensors.iter().find(|t| t.name == "b").unwrap();
    assert_eq!(moved.verdict, Verdict::Differs);
    // of five elements one stayed and one had a gradient of zero and only decayed
    assert_eq!(moved.differing.count, 4);
    assert_eq!(moved.diagnosis.as_deref(), Some("changed without a gradient"));
}

/// A step of PyTorch's AdamW, which tests/python/make_audit_fixture.py wrote.
fn of_pytorch() -> Config {
    Config::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/audit/step.toml")).unwrap()
}

#[test]
fn a_step_of_pytorch_conforms() {
    let report = run(&of_pytorch()).unwrap();
    assert!(report.conforms() && report.tensors.iter().all(|t| t.verdict == Verdict::Conforms), "{report:?}");
    assert_eq!((report.tensors.len(), report.run.elements), (15, 821));
}

#[test]
fn a_count_that_the_state_records_goes_before_the_step_that_is_said() {
    let mut config = of_pytorch();
    config.step.step = Some(9);
    let report = run(&config).unwrap();
    assert!(report.conforms(), "{report:?}");
    let noted = |note: &str| note == "the state records 5 steps before this one, which was said to be step 9";
    assert!(report.tensors.iter().all(|t| t.diagnosis.as_deref().is_some_and(noted)), "{report:?}");
}

#[test]
fn numbers_without_a_right_answer_are_counted_and_located() {
    let folder = Folder::new();
    first_step(&folder);
    write(
        &folder.path("grads.safetensors"),
        &[("a", vec![0.1, -0.2, 0.3]), ("b", vec![1e-3, f32::NAN, 0.5, f32::INFINITY, 0.0])],
    );
    let report = run(&folder.config("step = 1\n")).unwrap();
    let tensor = report.tensors.iter().find(|t| t.name == "b").unwrap();
    assert_eq!(tensor.verdict, Verdict::Conforms);
    let [one] = &tensor.not_judged[..] else { panic!("{tensor:?}") };
    assert_eq!((one.what.as_str(), one.count, one.first), ("NaN or infinity in the gradient", 2, 1));
}

/// The second step of Sophia on a tensor of six elements, by the oracle, with what each file has.
fn step_of_sophia() -> [(&'static str, &'static str, Vec<f32>); 5] {
    [
        ("before.safetensors", "w", vec![0.5, -1.25, 2.0, 0.75, 0.25, -0.5]),
        ("grads.safetensors", "w", vec![0.25, -0.25, 0.5, 1e-3, -1e-3, 0.125]),
        ("hessians.safetensors", "w", vec![1.0, 0.5, 2.0, 0.25, 3.0, 1.5]),
        ("state.safetensors", "w.exp_avg", vec![0.5, -0.5, 0.25, 2e-3, -2e-3, 0.25]),
        ("state.safetensors", "w.hessian", vec![0.5, 0.75, 1.0, 1.25, 2.0, 0.5]),
    ]
}

/// The arguments that audit this step in a folder.
fn of_sophia(folder: &Folder, lists: &[(&str, &str, Vec<f32>)]) -> Vec<String> {
    let [theta, g, estimate, m, h] = lists.iter().map(|(_, _, list)| list).collect::<Vec<_>>()[..] else { panic!() };
    for file in ["before.safetensors", "grads.safetensors", "hessians.safetensors", "state.safetensors"] {
        let tensors = lists.iter().filter(|(name, ..)| *name == file);
        write(&folder.path(file), &tensors.map(|(_, tensor, list)| (*tensor, list.clone())).collect::<Vec<_>>());
    }
    let one = |x: [f32; 5]| {
        let [theta, g, estimate, m, h] = x.map(f64::from);
        let input = json!({ "params": [[theta]], "gradients": [[[g]]], "hessians": [[[estimate]]], "lr": 1e-3,
            "state": [{ "step": 1, "m": [m], "h": [h] }] });
        // a step that no formula has may come to anything
        catalog::evaluate("sophia", input)
            .map_or(0.0, |output| output["steps"][0]["params"][0][0].as_f64().unwrap() as f32)
    };
    let after = (0..theta.len()).map(|i| one([theta[i], g[i], estimate[i], m[i], h[i]])).collect();
    write(&folder.path("after.safetensors"), &[("w", after)]);
    let files = [
        ("before", "before"),
        ("after", "after"),
        ("grads", "grads"),
        ("state-before", "state"),
        ("hessians", "hessians"),
    ];
    let files = files.map(|(option, file)| {
        [format!("--{option}"), folder.path(&format!("{file}.safetensors")).display().to_string()]
    });
    let run = ["audit", "--optimizer", "sophia", "--step", "2", "--lr", "1e-3"].map(String::from);
    run.into_iter().chain(files.into_iter().flatten()).collect()
}

#[test]
fn what_has_no_right_answer_is_named_where_it_stands() {
    let folder = Folder::new();
    let told = |lists: &[(&str, &str, Vec<f32>)]| {
        let run = std::process::Command::new(env!("CARGO_BIN_EXE_gradproof")).args(of_sophia(&folder, lists)).output();
        let run = run.unwrap();
        assert_eq!(run.status.code(), Some(0), "{run:?}");
        String::from_utf8(run.stdout).unwrap()
    };
    let text = told(&step_of_sophia());
    assert!(text.contains("1 conform") && !text.contains("NaN"), "{text}");
    let places = [
        "parameter before the step",
        "gradient",
        "estimate of the Hessian",
        "state before the step",
        "state before the step",
    ];
    for (list, place) in places.into_iter().enumerate() {
        for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut lists = step_of_sophia();
            lists[list].2[2] = odd;
            lists[list].2[5] = odd;
            let text = told(&lists);
            let expected = format!("w: NaN or infinity in the {place}, 2 times, first at 2\n");
            assert!(text.contains(&expected) && text.contains("1 conform"), "{odd} in {:?}: {text}", lists[list].1);
        }
    }
}

#[test]
fn a_wrong_belief_about_a_step_is_explained_in_every_tensor() {
    type Change = fn(&mut Config);
    let changes: [(Change, &str, usize); 6] = [
        (|c| drop(c.hyper.insert("beta2".into(), json!(0.999))), "was stepped with beta2 = 0.95", 15),
        (|c| drop(c.hyper.insert("beta1".into(), json!(0.8))), "was stepped with beta1 = 0.9", 15),
        (|c| c.groups.clear(), "was stepped with lr = 0.0012", 1),
        (|c| drop(c.hyper.insert("weight_decay".into(), json!(0.5))), "was stepped with weight_decay = 0.1", 6),
        (|c| c.step.no_decay.clear(), "was stepped with weight_decay = 0.0", 9),
        (|c| drop(c.step.conventions.insert("epsilon".into(), "hat".into())), "is AdamW", 0),
    ];
    for (change, expected, least) in changes {
        let mut config = of_pytorch();
        change(&mut config);
        let report = run(&config).unwrap();
        let differing: Vec<_> = report.tensors.iter().filter(|t| t.verdict == Verdict::Differs).collect();
        assert!(differing.len() >= least, "{expected}: {} differ", differing.len());
        for tensor in differing {
            let diagnosis = tensor.diagnosis.as_deref().unwrap();
            assert!(diagnosis.starts_with(expected), "{expected}: {} {diagnosis}", tensor.name);
        }
    }
}

/// The message of what is wrong.
fn refused(config: &Config) -> String {
    run(config).unwrap_err().to_string()
}

#[test]
fn the_configuration_is_checked_and_the_field_named() {
    let folder = Folder::new();
    first_step(&folder);
    for (more, expected) in [
        ("", "step: found nothing"),
        ("step = 0\n", "step: found 0"),
        ("step = 2\n", "state_before: found nothing"),
        ("step = 1\nbeta1 = 1.5\n", "beta1: found 1.5"),
        ("step = 1\nbeta3 = 0.5\n", "beta3"),
        ("step = 1\nno_decay = [\"*.bias\"]\n", "no_decay[0]: found *.bias"),
        ("step = 1\nno_decay = [\"a[\"]\n", "no_decay[0]: found a["),
        ("step = 1\nno_decay = [\"a\", \"c\"]\n", "no_decay[1]: found c"),
        (&format!("step = 1\nno_decay = [\"{}\"]\n", "?".repeat(1001)), "no_decay[0]: found a glob of 1001 bytes"),
        // each is short
        (&format!("step = 1\nno_decay = [{}]\n", format!("\"{}\",", "[!a]*".repeat(200)).repeat(400)), "no_decay: "),
        ("step = 1\n[[groups]]\ntensors = [\"c\"]\n", "groups[0].tensors[0]: found c"),
        ("step = 1\n[[groups]]\ntensors = [\"a\"]\nlr = -1.0\n", "lr: found -1"),
        ("step = 1\n[conventions]\nepsilon = \"inside\"\n", "epsilon"),
        ("step = 1\n[state_names]\nw = \"{tensor}.w\"\n", "state_names: found w"),
        ("step = 1\n[state_names]\nm = \"exp_avg\"\n", "state_names.m: found exp_avg"),
    ] {
        let message = refused(&folder.config(more));
        assert!(message.contains(expected), "{more:?}: {message}");
    }
    for (text, expected) in [
        ("optimizer = ", "toml"),
        ("optimizer = \"adamw\"", "before"),
        ("groups = 3\noptimizer = \"adamw\"", "groups: found 3"),
        ("optimizer = 3", "optimizer"),
    ] {
        let message = Config::parse(text).unwrap_err().to_string();
        assert!(message.contains(expected), "{text:?}: {message}");
    }
    let mut config = folder.config("step = 1\n");
    config.step.optimizer = "adagrad".into();
    assert!(refused(&config).contains("optimizer: found adagrad, allowed is adamw"));
}

#[test]
fn malformed_files_are_refused_with_the_file_and_the_place() {
    let folder = Folder::new();
    first_step(&folder);
    let config = folder.config("step = 1\n");
    let path = folder.path("before.safetensors");
    let tensor = |dtype: &str, shape: &str, offsets: &str| {
        format!("{{\"a\": {{\"dtype\": {dtype}, \"shape\": {shape}, \"data_offsets\": {offsets}}}}}")
    };
    let twice = "{\"a\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0, 4]}, \
                  \"b\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0, 4]}}";
    for (header, data, place, problem) in [
        ("{", 0, "header", "not JSON"),
        ("[]", 0, "header", "expected a JSON object"),
        ("{\"a\": 1}", 0, "tensor \"a\"", "expected an object"),
        (&tensor("\"F31\"", "[1]", "[0, 4]"), 4, "tensor \"a\"", "dtype: found \"F31\""),
        (&tensor("\"F32\"", "[-1]", "[0, 4]"), 4, "tensor \"a\"", "shape: found -1"),
        (&tensor("\"F32\"", "[1.5]", "[0, 4]"), 4, "tensor \"a\"", "shape: found 1.5"),
        (&tensor("\"F32\"", "[4294967296, 4294967296]", "[0, 4]"), 4, "tensor \"a\"", "past the range"),
        (&tensor("\"F32\"", "[2]", "[0, 4]"), 4, "tensor \"a\"", "2 elements of F32 take 8"),
        (&tensor("\"F32\"", "[1]", "[4, 0]"), 4, "tensor \"a\"", "found 4 to 0"),
        (&tensor("\"F32\"", "[1]", "[0]"), 4, "tensor \"a\"", "found 1 numbers"),
        (&tensor("\"F32\"", "[1]", "[0, 4]"), 3, "tensor \"a\"", "its data end at byte"),
        (&tensor("\"F32\"", "[1]", "[0, 4]"), 5, "data", "the tensors end at byte"),
        (&tensor("\"F32\"", "[1]", "[4, 8]"), 8, "tensor \"a\"", "leave a hole"),
        (&tensor("\"F32\"", "[1]", "[18446744073709551612, 18446744073709551616]"), 4, "tensor \"a\"", "data_offsets"),
        (&tensor("\"F4\"", "[1]", "[0, 0]"), 0, "tensor \"a\"", "no whole number of bytes"),
        (twice, 4, "tensor \"b\"", "overlap"),
        ("{\"a\": 1, \"a\": 2}", 0, "header", "given twice"),
        ("{\"__metadata__\": {\"a\": 1}}", 0, "__metadata__", "an object of strings"),
        (&"[".repeat(100_000), 0, "header", "recursion limit"),
    ] {
        raw(&path, header, &vec![0; data]);
        let message = refused(&config);
        let shown = &header[..header.len().min(60)];
        assert!(message.contains("before.safetensors") && message.contains(place), "{shown}: {message}");
        assert!(message.contains(problem), "{shown}: {message}");
    }
    for (bytes, problem) in [
        (vec![1, 2, 3], "the file ends after 3 bytes"),
        (u64::MAX.to_le_bytes().to_vec(), "found length 18446744073709551615, allowed is at most 0"),
        ([2u64.to_le_bytes().to_vec(), vec![0xff, 0xfe]].concat(), "not UTF-8"),
    ] {
        std::fs::write(&path, bytes).unwrap();
        let message = refused(&config);
        assert!(message.contains(problem), "{message}");
    }
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(run(&config), Err(Error::Io { .. })));
}

#[test]
fn tensors_that_do_not_fit_together_are_refused() {
    let folder = Folder::new();
    let (a, b) = first_step(&folder);
    let config = folder.config("step = 1\n");
    write(&folder.path("after.safetensors"), &[("a", a.clone())]);
    let message = refused(&config);
    assert!(message.contains("after.safetensors: no tensor \"b\", which is there before the step"), "{message}");
    write(&folder.path("after.safetensors"), &[("a", a.clone()), ("b", vec![0.0; 4])]);
    assert!(refused(&config).contains("found shape [4], the parameter has [5]"));
    write(&folder.path("after.safetensors"), &[("a", a), ("b", b)]);
    write(&folder.path("grads.safetensors"), &[("c", vec![0.0])]);
    assert!(refused(&config).contains("before.safetensors: no tensor \"c\", which"));
}

#[test]
fn an_index_and_its_shards_have_to_agree() {
    let folder = Folder::new();
    let (a, b) = first_step(&folder);
    let mut config = folder.config("step = 1\n");
    config.step.after = folder.path("after.index.json");
    let index = |map: Value| std::fs::write(folder.path("after.index.json"), json!({ "weight_map": map }).to_string());
    write(&folder.path("1.safetensors"), &[("a", a)]);
    write(&folder.path("2.safetensors"), &[("b", b.clone())]);
    index(json!({ "a": "1.safetensors", "b": "2.safetensors" })).unwrap();
    assert!(run(&config).unwrap().conforms());
    for (map, problem) in [
        (json!({ "a": "1.safetensors", "b": "3.safetensors" }), "3.safetensors"),
        (json!({ "a": "1.safetensors", "b": "../2.safetensors" }), "allowed is a file beside the index"),
        (json!({ "a": "1.safetensors", "b": "/etc/passwd" }), "allowed is a file beside the index"),
        (json!({ "a": "1.safetensors", "b": "1.safetensors" }), "tensor \"b\": is not in the shard"),
        (json!({ "a": 3 }), "expected a file's name"),
        (json!([]), "weight_map: expected an object"),
    ] {
        index(map.clone()).unwrap();
        let message = refused(&config);
        assert!(message.contains(problem), "{map}: {message}");
    }
    write(&folder.path("2.safetensors"), &[("a", vec![0.0; 3]), ("b", b)]);
    index(json!({ "a": "1.safetensors", "b": "2.safetensors" })).unwrap();
    assert!(refused(&config).contains("tensor \"a\""));
}

#[test]
fn shares_are_joined_only_where_they_belong_together() {
    let folder = Folder::new();
    first_step(&folder);
    let config = folder.config("step = 1\n");
    let share = |share, of| audit(&config, Some(Partition { share, of }), &|_| {}).unwrap();
    let whole = run(&config).unwrap();
    let joined = Report::merge(vec![share(2, 3), share(3, 3), share(1, 3)]).unwrap();
    let json = |report: &Report| serde_json::to_value(&report.tensors).unwrap();
    assert_eq!(json(&joined), json(&whole));
    assert!(joined.run.partition.is_none() && joined.run.elements == whole.run.elements);
    let mut other = share(2, 2);
    other.run.configuration["step"] = json!(2);
    let mut doubled = share(2, 2);
    doubled.tensors = share(1, 2).tensors;
    for (reports, problem) in [
        (vec![], "there are none"),
        (vec![whole.clone()], "it is whole"),
        (vec![share(1, 2)], "these are missing: 2"),
        (vec![share(1, 2), share(1, 2)], "share 1 is there twice"),
        (vec![share(1, 2), share(2, 3)], "number 2 is one of 3 shares"),
        (vec![share(1, 2), whole.clone()], "number 2 is of no share"),
        (vec![share(1, 2), other], "number 2 has the configuration"),
        (vec![share(1, 2), doubled], "is in two of them"),
    ] {
        let message = Report::merge(reports).unwrap_err().to_string();
        assert!(message.contains(problem), "{message}");
    }
    let text = serde_json::to_string(&whole).unwrap();
    assert_eq!(json(&Report::parse(&text).unwrap()), json(&whole));
    assert!(Report::parse("{\"tensors\": [{}]}").unwrap_err().to_string().contains("tensors[0]"));
    for text in ["", "1", "0/2", "3/2", "1/x", "1/2/3", "-1/2"] {
        assert!(text.parse::<Partition>().is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(header in "[\\[\\]{}\":,a-zF0-9_ -]{0,80}", data in prop::collection::vec(any::<u8>(), 0..40), claimed in prop::option::of(any::<u64>())) {
        let folder = Folder::new();
        first_step(&folder);
        let mut bytes = claimed.unwrap_or(header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend(&data);
        std::fs::write(folder.path("grads.safetensors"), bytes).unwrap();
        let _ = run(&folder.config("step = 1\n"));
        let _ = Config::parse(&header);
        let _ = Report::parse(&header);
    }
}
