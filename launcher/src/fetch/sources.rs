//! Finds Debian's mirrors among the machine's apt sources, in both of their formats.

use std::fs;
use std::path::{Path, PathBuf};

/// A mirror of Debian's archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mirror {
    /// Its address.
    pub(crate) uri: String,
    /// The keyring that the machine verifies it with, if it names one.
    pub(crate) keyring: Option<PathBuf>,
}

/// Returns the mirrors that the sources in a folder name, those that are surely Debian's first.
pub(crate) fn mirrors(etc_apt: &Path) -> Vec<Mirror> {
    let mut files = vec![etc_apt.join("sources.list")];
    if let Ok(entries) = fs::read_dir(etc_apt.join("sources.list.d")) {
        let mut parts: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        parts.sort();
        files.extend(parts);
    }
    let mut mirrors: Vec<Mirror> = Vec::new();
    for file in files {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        let found = match file.extension().and_then(|extension| extension.to_str()) {
            Some("list") => one_line(&text),
            Some("sources") => deb822(&text),
            _ => continue,
        };
        for mirror in found {
            if !mirrors.iter().any(|known| known.uri == mirror.uri) {
                mirrors.push(mirror);
            }
        }
    }
    mirrors.sort_by_key(|mirror| !mirror.is_surely_debian());
    mirrors
}

impl Mirror {
    fn is_surely_debian(&self) -> bool {
        let by_key = self
            .keyring
            .as_ref()
            .is_some_and(|path| path.to_string_lossy().contains("debian-archive"));
        let host = self.uri.split('/').nth(2).unwrap_or_default();
        by_key || host == "debian.org" || host.ends_with(".debian.org")
    }
}

/// Parses lines like `deb [signed-by=/a.gpg] http://deb.debian.org/debian bookworm main`.
fn one_line(text: &str) -> Vec<Mirror> {
    let mut found = Vec::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let Some(rest) = line.strip_prefix("deb").filter(|rest| rest.starts_with([' ', '\t', '[']))
        else {
            continue;
        };
        let rest = rest.trim_start();
        let (options, rest) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((options, rest)) => (options, rest),
            None => ("", rest),
        };
        let mut words = rest.split_whitespace();
        let (Some(uri), Some(suite)) = (words.next(), words.next()) else { continue };
        let keyring =
            options.split_whitespace().find_map(|option| option.strip_prefix("signed-by="));
        if is_debian(uri, &[suite], &words.collect::<Vec<_>>()) {
            found.push(Mirror { uri: uri.to_string(), keyring: keyring_of(keyring) });
        }
    }
    found
}

/// Parses stanzas of fields, in which a line that starts with a space goes on with the field before it.
fn deb822(text: &str) -> Vec<Mirror> {
    let mut found = Vec::new();
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in text.lines().chain([""]) {
        if line.starts_with('#') {
            continue;
        }
        if !line.trim().is_empty() {
            match line.split_once(':') {
                Some((name, value)) if !line.starts_with([' ', '\t']) => {
                    fields.push((name.trim().to_ascii_lowercase(), value.trim().to_string()));
                }
                _ => {
                    if let Some((_, value)) = fields.last_mut() {
                        value.push(' ');
                        value.push_str(line.trim());
                    }
                }
            }
            continue;
        }
        let stanza = std::mem::take(&mut fields);
        let field = |name: &str| {
            stanza.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
        };
        let words =
            |name: &str| field(name).unwrap_or_default().split_whitespace().collect::<Vec<_>>();
        let is_off =
            field("enabled").is_some_and(|value| matches!(value, "no" | "false" | "off" | "0"));
        if is_off || !words("types").contains(&"deb") {
            continue;
        }
        for uri in words("uris") {
            if is_debian(uri, &words("suites"), &words("components")) {
                found
                    .push(Mirror { uri: uri.to_string(), keyring: keyring_of(field("signed-by")) });
            }
        }
    }
    found
}

/// Returns a keyring's path; a field can also hold a fingerprint or the key itself.
fn keyring_of(value: Option<&str>) -> Option<PathBuf> {
    value.filter(|value| value.starts_with('/') && !value.contains([' ', ','])).map(PathBuf::from)
}

/// Returns whether a source is a mirror of Debian's main archive. The names of its suites are also used by others, with
/// something behind them or with other components.
fn is_debian(uri: &str, suites: &[&str], components: &[&str]) -> bool {
    const SUITES: [&str; 13] = [
        "oldoldstable",
        "oldstable",
        "stable",
        "testing",
        "unstable",
        "sid",
        "buster",
        "bullseye",
        "bookworm",
        "trixie",
        "forky",
        "duke",
        "experimental",
    ];
    // The archive of security updates has its own suites, and on old machines none that tell it apart.
    let path = uri.trim_end_matches('/');
    let is_suite = |suite: &&str| {
        let suite = suite.trim_end_matches('/');
        let name = ["-updates", "-backports", "-proposed-updates"]
            .iter()
            .find_map(|end| suite.strip_suffix(end));
        SUITES.contains(&name.unwrap_or(suite))
    };
    components.contains(&"main")
        && suites.iter().any(is_suite)
        && uri.contains("debian")
        && !path.ends_with("-security")
        && !uri.starts_with("cdrom:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(file: &str, text: &str, expected: &[(&str, Option<&str>)]) {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("sources.list.d")).unwrap();
        fs::write(dir.path().join(file), text).unwrap();
        let found = mirrors(dir.path());
        let found: Vec<(&str, Option<&str>)> = found
            .iter()
            .map(|mirror| {
                (mirror.uri.as_str(), mirror.keyring.as_ref().and_then(|path| path.to_str()))
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn one_line_format() {
        check(
            "sources.list",
            "# deb http://commented.debian.org/debian bookworm main\n\
             deb-src http://source.debian.org/debian bookworm main\n\
             deb [arch=amd64 signed-by=/k.gpg] http://ftp.de.debian.org/debian/ bookworm main contrib # here\n\
             deb http://security.debian.org/debian-security bookworm-security main\n\
             deb http://ftp.de.debian.org/debian/ bookworm-updates main\n",
            &[("http://ftp.de.debian.org/debian/", Some("/k.gpg"))],
        );
    }

    #[test]
    fn deb822_format() {
        check(
            "sources.list.d/debian.sources",
            "Types: deb\n# A comment.\nURIs: http://deb.debian.org/debian\nSuites: bookworm bookworm-updates\n\
             Components: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n\
             Types: deb\nURIs: http://deb.debian.org/debian-security\nSuites: bookworm-security\nComponents: main\n",
            &[(
                "http://deb.debian.org/debian",
                Some("/usr/share/keyrings/debian-archive-keyring.gpg"),
            )],
        );
    }

    #[test]
    fn deb822_with_several_addresses_and_a_key_inside() {
        check(
            "sources.list.d/debian.sources",
            "Enabled: yes\nTypes: deb deb-src\nURIs: mirror+file:///etc/apt/mirrors/debian.list\n http://a.example/debian\n\
             Suites: trixie\nComponents: main contrib\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQ==\n",
            &[
                ("mirror+file:///etc/apt/mirrors/debian.list", None),
                ("http://a.example/debian", None),
            ],
        );
    }

    #[test]
    fn sources_of_others_are_ignored() {
        check(
            "sources.list.d/others.list",
            "deb https://packages.cloud.google.com/apt cloud-sdk-bookworm main\n\
             deb https://download.docker.com/linux/debian bookworm stable\n\
             deb http://archive.ubuntu.com/ubuntu noble main\n\
             deb cdrom:[Debian]/ bookworm main\n\
             nonsense\n",
            &[],
        );
        check(
            "sources.list.d/nodesource.sources",
            "Types: deb\nURIs: https://deb.nodesource.com/node_20.x\nSuites: nodistro\nComponents: main\n",
            &[],
        );
    }

    #[test]
    fn disabled_sources_and_other_files_are_ignored() {
        let stanza =
            "Types: deb\nURIs: http://deb.debian.org/debian\nSuites: sid\nComponents: main\n";
        check("sources.list.d/debian.sources", &format!("Enabled: no\n{stanza}"), &[]);
        check("sources.list.d/debian.sources.bak", stanza, &[]);
    }

    #[test]
    fn what_is_surely_debian_comes_first() {
        check(
            "sources.list",
            "deb http://repository.example/debian bookworm main\ndeb http://deb.debian.org/debian bookworm main\n",
            &[("http://deb.debian.org/debian", None), ("http://repository.example/debian", None)],
        );
    }
}
