//! That a length in a few bytes is not believed: with little memory to take, nothing fails.

use std::process::Command;

use super::CASES_VARIABLE;

/// How much address space the process may have: the program itself, its threads, and little more.
const ADDRESS_SPACE_KIB: u32 = 1024 * 1024;

#[test]
fn no_length_in_the_bytes_is_taken_on_trust() {
    let own_tests = std::env::current_exe().unwrap();
    let script = format!("ulimit -v {ADDRESS_SPACE_KIB}; exec \"$@\"");
    let targets = ["fuzz::stored::", "fuzz::texts::"];
    let mut command = Command::new("sh");
    command.args(["-c", &script, "sh"]).arg(own_tests).args(targets).args(["--test-threads", "1"]);
    let output = command.env(CASES_VARIABLE, "20000").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}\n{said}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("6 passed"), "{said}");
}
