//! The Python module `djust_ast._extractor`; the only file that knows Python.

use pyo3::create_exception;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};

use crate::grammar::{Atom, is_float};
use crate::{Failure, Kind, Lines, Refusal, Request, Resolver};

create_exception!(
    djust_ast._extractor,
    ExtractError,
    PyValueError,
    "A template that cannot be extracted: malformed, or beyond the limits (code 'DA9..')."
);

/// The tags and filters of a template engine.
#[pyclass(frozen, module = "djust_ast._extractor")]
struct Registry {
    inner: crate::Registry,
}

#[pymethods]
impl Registry {
    #[new]
    fn new(spec: &[u8]) -> PyResult<Self> {
        let inner = crate::Registry::from_json(spec).map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(Self { inner })
    }

    /// The hash of everything in it.
    #[getter]
    fn hash(&self) -> &str {
        &self.inner.hash
    }
}

/// What a template and all that it needs read from the context.
#[pyclass(frozen, module = "djust_ast._extractor")]
struct PathTree {
    json: String,
}

#[pymethods]
impl PathTree {
    /// Returns the document as JSON.
    fn json<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.json.as_bytes())
    }
}

struct Callback<'py> {
    function: Option<Bound<'py, PyAny>>,
}

impl Resolver for Callback<'_> {
    type Error = PyErr;

    fn resolve(&mut self, name: &str, skip: &[usize]) -> Result<Option<(String, String)>, PyErr> {
        match &self.function {
            Some(function) => function.call1((name, skip.to_vec()))?.extract(),
            None => Ok(None),
        }
    }
}

/// Returns what the template reads.
#[pyfunction]
#[pyo3(signature = (source, name, registry, resolve=None, partial=None, locals=false))]
fn extract(
    source: &str,
    name: Option<&str>,
    registry: &Registry,
    resolve: Option<Bound<'_, PyAny>>,
    partial: Option<&str>,
    locals: bool,
    py: Python<'_>,
) -> PyResult<PathTree> {
    let request = Request { source, name, partial, locals };
    match crate::extract(request, &registry.inner, Callback { function: resolve }) {
        Ok(json) => Ok(PathTree { json }),
        Err(Failure::Resolver(error)) => Err(error),
        Err(Failure::Template(refusal)) => Err(refused(py, *refusal)?),
    }
}

fn refused(py: Python<'_>, refusal: Refusal) -> PyResult<PyErr> {
    let Refusal { error, file, line, column, length, source_line } = refusal;
    let raised = ExtractError::new_err((error.code, error.message, file, line, column, length, source_line));
    raised.value(py).setattr("help", error.help)?;
    Ok(raised)
}

/// Returns the tokens of a source as Django's lexer sees them: kind, contents, line.
#[pyfunction]
#[pyo3(signature = (source, dotall=false))]
fn lex(source: &str, dotall: bool) -> Vec<(&'static str, String, usize)> {
    let lines = Lines::new(source);
    crate::lex(source, dotall)
        .into_iter()
        .map(|token| {
            let kind = match token.kind {
                Kind::Text => "T",
                Kind::Var => "V",
                Kind::Block => "B",
                Kind::Comment => "C",
            };
            (kind, token.contents.to_owned(), lines.line(token.start))
        })
        .collect()
}

/// Returns the parts of a variable with filters: a constant, or lookups or a literal, and the filters.
#[pyfunction]
fn parse_expression<'py>(py: Python<'py>, text: &str, registry: &Registry) -> PyResult<Bound<'py, PyDict>> {
    let raw = match crate::parse_expression(text, &registry.inner) {
        Ok(raw) => raw,
        Err(error) => {
            let (line, column, length) = Lines::new(text).position(text, error.span);
            let refusal = Refusal { error, file: None, line, column, length, source_line: text.to_owned() };
            return Err(refused(py, refusal)?);
        }
    };
    let parts = PyDict::new(py);
    match &raw.head {
        Atom::Empty => parts.set_item("const", py.None())?,
        Atom::Constant(text, _) => parts.set_item("const", text)?,
        Atom::Number(text) => {
            parts.set_item("lookups", py.None())?;
            parts.set_item("literal", number(py, text)?)?;
        }
        Atom::Lookup(text) => {
            parts.set_item("lookups", PyTuple::new(py, text.split('.').collect::<Vec<_>>())?)?;
            // Django keeps the number of "2." although it goes on to look the parts up.
            let literal = if text.contains(['.', 'e', 'E']) && is_float(text) { Some(number(py, text)?) } else { None };
            parts.set_item("literal", literal)?;
        }
    }
    let filters = raw.calls.iter().map(|call| match &call.argument {
        Some(Atom::Constant(text, _)) => (call.name, Some("lit"), Some(text.to_string())),
        Some(Atom::Number(text) | Atom::Lookup(text)) => (call.name, Some("var"), Some((*text).to_owned())),
        None | Some(Atom::Empty) => (call.name, None, None),
    });
    parts.set_item("filters", PyList::new(py, filters.collect::<Vec<_>>())?)?;
    Ok(parts)
}

fn number<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    let name = if text.contains(['.', 'e', 'E']) { "float" } else { "int" };
    py.import("builtins")?.getattr(name)?.call1((text,))
}

#[pymodule]
fn _extractor(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("ExtractError", module.py().get_type::<ExtractError>())?;
    module.add_class::<Registry>()?;
    module.add_class::<PathTree>()?;
    module.add_function(wrap_pyfunction!(extract, module)?)?;
    module.add_function(wrap_pyfunction!(lex, module)?)?;
    module.add_function(wrap_pyfunction!(parse_expression, module)?)
}
