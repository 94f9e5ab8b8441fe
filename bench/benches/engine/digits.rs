//! Figures as one reads them, in the chart and in the table.

/// Returns a figure with two digits at least.
pub(crate) fn digits(value: f64) -> String {
    if value < 10.0 { format!("{value:.1}") } else { thousands(value) }
}

/// Returns how many times a figure is another one.
pub(crate) fn times(ratio: f64) -> String {
    if ratio < 1.0 { format!("{ratio:.2}×") } else { format!("{}×", digits(ratio)) }
}

/// Returns a whole number with commas.
pub(crate) fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
