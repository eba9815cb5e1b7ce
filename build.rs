//! With the feature `torch`: the linker keeps libtorch's CUDA part, which no symbol asks for and
//! without which libtorch finds no GPU.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let feature = std::env::var_os("CARGO_FEATURE_TORCH").is_some();
    let linux = std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux");
    if feature && linux {
        println!("cargo:rustc-link-arg=-Wl,--no-as-needed");
        println!("cargo:rustc-link-arg=-ltorch");
    }
}
