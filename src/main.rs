fn main() {
    let all = gradproof::catalog::claims();
    let run = gradproof::judges::Run::new(200, 1);
    let refs: Vec<_> = all.iter().collect();
    let t = std::time::Instant::now();
    for r in gradproof::verify::decide_all(&refs, &all, &run, |_| {}) {
        println!("{} {:?} {:?} {}", if r.as_expected() { "  " } else { "!!" }, r.id, r.verdict, r.scope);
        if let Some(c) = &r.counterexample {
            println!("     {:?} {} {}", c.point, c.left, c.right);
        }
        if !r.as_expected() || std::env::args().len() > 1 {
            for j in r.judges {
                println!("      {:?}", j);
            }
        }
    }
    println!("{:?}", t.elapsed());
}
