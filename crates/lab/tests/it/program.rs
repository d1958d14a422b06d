//! `ticketboss-sim`, as RELIABILITY.md shows it.

use std::process::Command;

const RELIABILITY: &str = include_str!("../../../../RELIABILITY.md");
const PROGRAM: &str = env!("CARGO_BIN_EXE_ticketboss-sim");

#[test]
fn the_program_has_the_flags_that_reliability_md_shows() {
    let output = Command::new(PROGRAM).arg("--help").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let help = String::from_utf8(output.stdout).unwrap();
    let quoted = RELIABILITY.split('`').skip(1).step_by(2);
    // A whole command line, or only its arguments.
    let shown = quoted.filter_map(|text| {
        let (_, arguments) = text.split_once("--bin ticketboss-sim -- ").unwrap_or(("", text));
        arguments.contains("--seeds ").then_some(arguments)
    });
    let mut flags = 0;
    for arguments in shown {
        for flag in arguments.split(' ').filter(|word| word.starts_with("--")) {
            let described = format!("{flag} <");
            let is_there = help.lines().any(|line| line.trim_start().starts_with(&described));
            assert!(is_there, "{arguments}: {flag} is not in {help}");
            flags += 1;
        }
    }
    assert_eq!(flags, 3, "flags that are shown");
}
