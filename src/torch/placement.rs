//! Where tensors live and what they are made of, and which libtorch on which device it is.

use crate::torch::error::{Error, Result};
use std::path::{Path, PathBuf};
use tch::{Cuda, Device, Kind};

/// A device and a dtype.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Where the tensors live.
    pub device: Device,
    /// What they are made of.
    pub kind: Kind,
}

impl Placement {
    /// From the words of a command: see [`device`] and [`kind`].
    ///
    /// # Errors
    /// If a word names nothing, or the device is not there.
    pub fn parse(device_word: &str, kind_word: &str) -> Result<Placement> {
        Ok(Placement { device: device(device_word)?, kind: kind(kind_word)? })
    }
}

const DEVICES: &str = "cpu, cuda, or cuda: and a device's number, like cuda:0";

/// `cpu`, `cuda` (the first one) or `cuda:1`.
///
/// # Errors
/// If the word names no device, or there is no such device here.
pub fn device(word: &str) -> Result<Device> {
    let index = match (word, word.strip_prefix("cuda:")) {
        ("cpu", _) => return Ok(Device::Cpu),
        ("cuda", _) => Some(0),
        (_, index) => index.and_then(|index| index.parse().ok()),
    };
    let index: usize = index.ok_or_else(|| Error::UnknownDevice { found: word.into(), allowed: DEVICES })?;
    let count = usize::try_from(Cuda::device_count()).unwrap_or(0);
    if index < count {
        Ok(Device::Cuda(index))
    } else {
        Err(Error::NoSuchDevice { index, count, version: libtorch().version })
    }
}

const KINDS: [(&str, Kind); 4] =
    [("f64", Kind::Double), ("f32", Kind::Float), ("bf16", Kind::BFloat16), ("f16", Kind::Half)];

/// `f64`, `f32`, `bf16` or `f16`.
///
/// # Errors
/// If the word names no dtype.
pub fn kind(word: &str) -> Result<Kind> {
    let found = KINDS.iter().find(|(name, _)| *name == word).map(|&(_, kind)| kind);
    found.ok_or_else(|| Error::UnknownKind { found: word.into(), allowed: "f64, f32, bf16, f16" })
}

/// What the device calls itself: the processor's model, or its architecture; the GPU's name as
/// `nvidia-smi` gives it, or "cuda".
pub fn device_name(device: Device) -> String {
    match device {
        Device::Cpu => processor(),
        Device::Cuda(index) => gpu(index).unwrap_or_else(|| "cuda".into()),
        Device::Mps => "mps".into(),
        Device::Vulkan => "vulkan".into(),
    }
}

fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split_once(':'));
    model.map_or(std::env::consts::ARCH.into(), |(_, name)| name.trim().into())
}

fn gpu(index: usize) -> Option<String> {
    // libtorch counts the visible devices, nvidia-smi all of them
    let visible = std::env::var("CUDA_VISIBLE_DEVICES").ok();
    let id = match &visible {
        Some(list) => list.split(',').nth(index)?.trim().to_string(),
        None => index.to_string(),
    };
    let query = ["--query-gpu=name", "--format=csv,noheader", "-i", &id];
    let output = std::process::Command::new("nvidia-smi").args(query).output().ok().filter(|o| o.status.success())?;
    let name = String::from_utf8(output.stdout).ok()?;
    Some(name.lines().next()?.trim().to_string()).filter(|name| !name.is_empty())
}

/// Which libtorch this process runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Libtorch {
    /// Its version, like "2.11.0+cu130", or "unknown".
    pub version: String,
    /// The CUDA version that it was built for, if it was.
    pub cuda: Option<String>,
    /// The loaded library, if it was found.
    pub path: Option<PathBuf>,
}

/// Which libtorch is loaded: from the file beside it that its wheel or its archive has.
pub fn libtorch() -> Libtorch {
    let path = loaded("libtorch_cpu.so");
    let home = path.as_deref().and_then(Path::parent).and_then(Path::parent);
    let read = |name: &str| home.and_then(|home| std::fs::read_to_string(home.join(name)).ok());
    let (version, cuda) = match (read("version.py"), read("build-version")) {
        (Some(text), _) => of_wheel(&text),
        (None, Some(text)) => of_archive(&text),
        (None, None) => (None, None),
    };
    Libtorch { version: version.unwrap_or_else(|| "unknown".into()), cuda, path }
}

/// The path of a library that is mapped into this process.
fn loaded(name: &str) -> Option<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let path = maps.lines().find(|line| line.ends_with(&format!("/{name}")))?;
    Some(PathBuf::from(&path[path.find('/')?..]))
}

/// `__version__ = '2.11.0+cu130'` and `cuda: Optional[str] = '13.0'`
fn of_wheel(text: &str) -> (Option<String>, Option<String>) {
    let value = |name: &str| {
        let (_, value) = text.lines().find(|line| line.starts_with(name))?.split_once('=')?;
        Some(value.trim().strip_prefix('\'')?.strip_suffix('\'')?.to_string())
    };
    (value("__version__ "), value("cuda:").or_else(|| value("cuda ")))
}

/// `2.11.0+cu130`, whose last digit is CUDA's minor version.
fn of_archive(text: &str) -> (Option<String>, Option<String>) {
    let version = text.trim();
    let cuda = version.split_once("+cu").filter(|(_, digits)| digits.len() > 1 && digits.is_ascii());
    let cuda = cuda.map(|(_, digits)| format!("{}.{}", &digits[..digits.len() - 1], &digits[digits.len() - 1..]));
    (Some(version.to_string()).filter(|v| !v.is_empty()), cuda)
}

/// The version that recordings are of, and that the bindings are made for.
const NEEDED: &str = "2.11.x";

/// The loaded libtorch is a 2.11.
///
/// # Errors
/// If it is another one, or cannot be told.
pub fn require_version() -> Result<()> {
    let Libtorch { version, path, .. } = libtorch();
    if version.starts_with("2.11.") {
        return Ok(());
    }
    let path = path.map_or("an unknown path".into(), |path| path.display().to_string());
    Err(Error::Version { found: version, path, needed: NEEDED })
}

/// Whether matrix products in f32 may use TF32 on a GPU: libtorch reads the environment variable
/// `TORCH_ALLOW_TF32_CUBLAS_OVERRIDE` when it starts (1 allows it), and the bindings cannot change
/// it later.
pub fn tf32() -> bool {
    std::env::var("TORCH_ALLOW_TF32_CUBLAS_OVERRIDE").is_ok_and(|value| value == "1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_a_wheel_and_of_an_archive() {
        let wheel = "__all__ = ['__version__', 'cuda']\n__version__ = '2.11.0+cu130'\ncuda: Optional[str] = '13.0'\n";
        let both = |version: &str, cuda: &str| (Some(version.to_string()), Some(cuda.to_string()));
        assert_eq!(of_wheel(wheel), both("2.11.0+cu130", "13.0"));
        assert_eq!(of_wheel("__version__ = '2.9.1'\ncuda: Optional[str] = None\n"), (Some("2.9.1".into()), None));
        assert_eq!(of_archive("2.11.0+cu130\n"), both("2.11.0+cu130", "13.0"));
        assert_eq!(of_archive("2.11.0+cpu\n"), (Some("2.11.0+cpu".into()), None));
        assert_eq!(of_archive(""), (None, None));
    }
}
