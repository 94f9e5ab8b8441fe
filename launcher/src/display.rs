//! Whether a window or a sound can be had here.

use std::env;
use std::path::Path;

/// Returns whether there is a display to open a window on.
///
/// On Linux and its like that is an X or Wayland server named in the environment (`DISPLAY`, `WAYLAND_DISPLAY`);
/// elsewhere there always is one.
pub fn is_available() -> bool {
    if !cfg!(all(unix, not(target_vendor = "apple"))) {
        return true;
    }
    is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

/// Returns whether there is something to play sound on: a sound card, or a sound server of this user.
pub(crate) fn has_sound() -> bool {
    if !cfg!(target_os = "linux") {
        return true;
    }
    let server = env::var_os("XDG_RUNTIME_DIR")
        .map(|dir| Path::new(&dir).join("pulse/native"))
        .is_some_and(|socket| socket.exists());
    server || is_set("PULSE_SERVER") || Path::new("/dev/snd").exists()
}

/// Returns whether an environment variable is there and not empty.
fn is_set(variable: &str) -> bool {
    env::var_os(variable).is_some_and(|value| !value.is_empty())
}
