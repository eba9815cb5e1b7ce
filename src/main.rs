fn main() {
    let all = gradproof::catalog::claims();
    let run = gradproof::judges::Run::new(200, 1);
    let filter = std::env::args().nth(1).unwrap_or_default();
    let refs: Vec<_> = all.iter().filter(|c| c.id.contains(&filter)).collect();
    let t = std::time::Instant::now();
    for r in gradproof::verify::decide_all(&refs, &all, &run, |_| {}) {
        println!("{} {:?} {:?} {}", if r.as_expected() { "  " } else { "!!" }, r.id, r.verdict, r.scope);
        if let Some(c) = &r.counterexample {
            println!("     {:?} {} {}", c.point, c.left, c.right);
        }
        if !r.as_expected() || std::env::args().len() > 2 {
            for j in r.judges {
                println!("      {:?}", j);
            }
        }
    }
    println!("{:?}", t.elapsed());
}
