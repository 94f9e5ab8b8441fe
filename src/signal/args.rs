//! What the arguments of a signal are taken as.

use godot::builtin::{Variant, VariantType};
use godot::classes::Object;
use godot::meta::FromGodot;
use godot::obj::Gd;

use super::SignalError;

/// Arguments of a signal: a tuple of up to ten, each of a type that converts from a `Variant` ([`FromGodot`]), or a
/// `Vec<Variant>`, which takes them as they are.
///
/// A shorter tuple than the signal's takes the first ones. Each is converted as `Variant::try_to_relaxed` does: a
/// `String` where a `StringName` is awaited, an `int` where a `float` is. What does not convert is a
/// [`SignalError::Argument`] where it is awaited.
pub trait SignalArgs: Sized + 'static {
    /// Takes the arguments of an emission of `signal`.
    ///
    /// # Errors
    /// If one is missing, or has another type.
    #[doc(hidden)]
    fn from_args(args: &[Variant], signal: &str) -> Result<Self, SignalError>;
}

impl SignalArgs for Vec<Variant> {
    fn from_args(args: &[Variant], _signal: &str) -> Result<Self, SignalError> {
        Ok(args.to_vec())
    }
}

macro_rules! impl_signal_args {
    ($($argument:ident $position:literal),*) => {
        impl<$($argument: FromGodot + 'static),*> SignalArgs for ($($argument,)*) {
            #[allow(unused_variables, reason = "the signal of no arguments has none to take")]
            fn from_args(args: &[Variant], signal: &str) -> Result<Self, SignalError> {
                Ok(($(take::<$argument>(args, $position, signal)?,)*))
            }
        }
    };
}

impl_signal_args!();
impl_signal_args!(P0 0);
impl_signal_args!(P0 0, P1 1);
impl_signal_args!(P0 0, P1 1, P2 2);
impl_signal_args!(P0 0, P1 1, P2 2, P3 3);
impl_signal_args!(P0 0, P1 1, P2 2, P3 3, P4 4);
impl_signal_args!(P0 0, P1 1, P2 2, P3 3, P4 4, P5 5);
impl_signal_args!(P0 0, P1 1, P2 2, P3 3, P4 4, P5 5, P6 6);
impl_signal_args!(P0 0, P1 1, P2 2, P3 3, P4 4, P5 5, P6 6, P7 7);
impl_signal_args!(P0 0, P1 1, P2 2, P3 3, P4 4, P5 5, P6 6, P7 7, P8 8);
impl_signal_args!(P0 0, P1 1, P2 2, P3 3, P4 4, P5 5, P6 6, P7 7, P8 8, P9 9);

/// Takes one argument.
fn take<T: FromGodot>(args: &[Variant], position: usize, signal: &str) -> Result<T, SignalError> {
    let found = match args.get(position) {
        None => "nothing".to_owned(),
        // Mostly it has the type that is awaited, which is cheaper to find out by trying.
        Some(argument) => match argument.try_to::<T>().or_else(|_| argument.try_to_relaxed()) {
            Ok(value) => return Ok(value),
            Err(_) => found::<T>(argument),
        },
    };
    let signal = signal.to_owned();
    Err(SignalError::Argument { signal, position, expected: short_type_name::<T>(), found })
}

/// Returns what a variant has that is not a `T`: its type, for an object its class. Where the type would do, and it is the
/// value that does not, with the value.
fn found<T: FromGodot>(argument: &Variant) -> String {
    let found = argument.get_type();
    if found == VariantType::OBJECT {
        return match argument.try_to::<Gd<Object>>() {
            Ok(object) => object.get_class().to_string(),
            Err(_) => "a freed object".to_owned(),
        };
    }
    if found == T::godot_shape().variant_type() {
        let value: String = argument.stringify().to_string().chars().take(40).collect();
        return format!("{found:?} {value}");
    }
    format!("{found:?}")
}

/// Returns a type's name without the paths: `Gd<Node>`.
fn short_type_name<T>() -> String {
    let mut short = String::new();
    for part in
        std::any::type_name::<T>().split_inclusive(|c: char| !c.is_alphanumeric() && c != '_')
    {
        if part.ends_with(':') {
            continue;
        }
        short.push_str(part);
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_names_have_no_paths() {
        assert_eq!(short_type_name::<i64>(), "i64");
        assert_eq!(short_type_name::<Option<String>>(), "Option<String>");
        assert_eq!(short_type_name::<Gd<Object>>(), "Gd<Object>");
    }
}
