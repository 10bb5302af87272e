//! How much is read before a template is declined.

/// What a project may set; above, there is no tree but an error `DA9..`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest source, in bytes.
    pub template_bytes: usize,
    /// How deep tags may nest in one file.
    pub depth: usize,
    /// How many values a template may read.
    pub paths: usize,
    /// How deep templates may include one another, and how long a chain of parents may be.
    pub includes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { template_bytes: 1 << 20, depth: 500, paths: 5_000, includes: 20 }
    }
}

/// How many steps a path may have, elements of loops included.
pub(crate) const MAX_SEGMENTS: usize = 64;
/// How many operations a link may replay.
pub(crate) const MAX_STEPS: usize = 1_000_000;
/// How many warnings are kept.
pub(crate) const MAX_WARNINGS: usize = 100;
