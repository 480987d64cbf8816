use crate::problem::Problems;

/// Lets the operating system kill this process when the process `parent`, which started it, ends. Does nothing on
/// systems other than Linux.
///
/// # Errors
/// Fails when `parent` is not this process's parent, because it has ended already.
#[cfg(target_os = "linux")]
pub(super) fn die_with(parent: i32) -> Result<(), Problems> {
    use rustix::process::{Signal, getppid, set_parent_process_death_signal};

    use crate::problem::Problem;

    // Without its parent this process could not be stopped, its messages would be lost, and its ports would stay
    // occupied. The log loses nothing that was acknowledged.
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| Problem::new(format!("cannot watch process {parent}: {error}")))?;
    // The parent may have ended before it was watched.
    if getppid().is_none_or(|now| now.as_raw_nonzero().get() != parent) {
        return Err(Problem::new(format!("process {parent}, which started this, has ended")).into());
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn die_with(_parent: i32) -> Result<(), Problems> {
    Ok(())
}
