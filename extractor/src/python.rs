//! The Python module `djust_ast._extractor`; the only file that knows Python.

use pyo3::create_exception;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};

use crate::diag::{CODES, Error, NOT_TEXT, Span};
use crate::grammar::{Atom, is_float};
use crate::room;
use crate::{Answer, Failure, Kind, Limits, Lines, Question, Refusal, Request, Resolver, Source, Target};

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
    json: Py<PyBytes>,
}

#[pymethods]
impl PathTree {
    /// Returns the document as JSON.
    fn json(&self, py: Python<'_>) -> Py<PyBytes> {
        self.json.clone_ref(py)
    }
}

/// Asks Python functions, for as long as which this thread is attached to the interpreter again.
struct Callback {
    resolve: Option<Py<PyAny>>,
    choose: Option<Py<PyAny>>,
}

impl Resolver for Callback {
    type Error = PyErr;

    fn resolve(&mut self, name: &str, skip: &[usize]) -> Result<Option<(String, String)>, PyErr> {
        let Some(function) = &self.resolve else { return Ok(None) };
        attached(|py| {
            let found: Option<(Bound<'_, PyString>, Bound<'_, PyString>)> =
                function.bind(py).call1((name, skip.to_vec()))?.extract()?;
            let Some((display, source)) = found else { return Ok(None) };
            Ok(Some((owned(&display, None)?, owned(&source, Some(name))?)))
        })
    }

    fn choose(&mut self, question: &Question) -> Result<Answer, PyErr> {
        let Some(function) = &self.choose else { return Ok(Answer::Unknown(String::new())) };
        attached(|py| {
            let calls = question.calls.iter().map(|(name, argument)| {
                let argument = argument.as_deref().map(|argument| sources(py, argument)).transpose()?;
                Ok((name, argument))
            });
            let calls = PyTuple::new(py, calls.collect::<PyResult<Vec<_>>>()?)?;
            let head = sources(py, &question.head)?;
            match function.bind(py).call1((question.kind, question.file, head, calls))?.extract()? {
                Chosen::Unknown(why) => Ok(Answer::Unknown(owned(&why, None)?)),
                Chosen::Any(choices) => Ok(Answer::Any(choices.iter().map(|named| targets(named)).collect::<PyResult<_>>()?)),
            }
        })
    }
}

fn attached<T>(ask: impl FnOnce(Python<'_>) -> PyResult<T>) -> PyResult<T> {
    Python::try_attach(ask).unwrap_or_else(|| Err(PyRuntimeError::new_err("the interpreter is shutting down")))
}

/// What Python answers: why nobody knows, or the candidates for each value.
#[derive(FromPyObject)]
enum Chosen<'py> {
    Unknown(Bound<'py, PyString>),
    Any(Vec<Vec<Named<'py>>>),
}

/// A template as Python names it.
#[derive(FromPyObject)]
enum Named<'py> {
    Name(Bound<'py, PyString>),
    Given(usize, Bound<'py, PyString>, Option<Bound<'py, PyString>>, Bound<'py, PyString>),
}

fn owned(string: &Bound<'_, PyString>, file: Option<&str>) -> PyResult<String> {
    Ok(text(string, file)?.to_owned())
}

fn targets(named: &[Named<'_>]) -> PyResult<Vec<Target>> {
    let target = |named: &Named<'_>| match named {
        Named::Name(name) => Ok(Target::Name(owned(name, None)?)),
        Named::Given(number, name, template, source) => {
            let name = owned(name, None)?;
            let template = template.as_ref().map(|template| owned(template, None)).transpose()?;
            Ok(Target::Given { number: *number, source: owned(source, Some(&name))?, name, template })
        }
    };
    named.iter().map(target).collect()
}

/// A literal is a string, a path a tuple of its steps.
fn sources<'py>(py: Python<'py>, sources: &[Source]) -> PyResult<Bound<'py, PyTuple>> {
    let sources = sources.iter().map(|source| match source {
        Source::Text(text) => Ok(PyString::new(py, text).into_any()),
        Source::Path(steps) => Ok(PyTuple::new(py, steps)?.into_any()),
    });
    PyTuple::new(py, sources.collect::<PyResult<Vec<_>>>()?)
}

/// Returns what the template reads; other threads run meanwhile.
#[pyfunction]
#[pyo3(signature = (source, name, registry, resolve=None, partial=None, locals=false, limits=None, choose=None))]
#[allow(clippy::too_many_arguments)] // They are keywords in Python.
fn extract(
    py: Python<'_>,
    source: &Bound<'_, PyString>,
    name: Option<&Bound<'_, PyString>>,
    registry: &Registry,
    resolve: Option<Py<PyAny>>,
    partial: Option<&Bound<'_, PyString>>,
    locals: bool,
    limits: Option<(usize, usize, usize, usize)>,
    choose: Option<Py<PyAny>>,
) -> PyResult<PathTree> {
    let name = name.map(|name| text(name, None)).transpose()?;
    let partial = partial.map(|partial| text(partial, name)).transpose()?;
    let limits = limits.map_or_else(Limits::default, |(template_bytes, depth, paths, includes)| Limits {
        template_bytes,
        depth,
        paths,
        includes,
    });
    let request = Request { source: text(source, name)?, name, partial, locals, limits };
    let (registry, resolver) = (&registry.inner, Callback { resolve, choose });
    let mut written = room::paper();
    match py.detach(|| crate::extract_to(&mut written, request, registry, resolver)) {
        Ok(()) => {
            let json = PyBytes::new(py, written.bytes()).unbind();
            room::recycle(written);
            Ok(PathTree { json })
        }
        Err(Failure::Resolver(error)) => Err(error),
        Err(Failure::Template(refusal)) => Err(refused(py, *refusal)?),
    }
}

/// Returns the text of a string, or the error that it is none: Python's strings may hold halves of characters.
fn text<'s>(string: &'s Bound<'_, PyString>, file: Option<&str>) -> PyResult<&'s str> {
    string.to_str().or_else(|_| {
        let error = Error::new(NOT_TEXT, Span::default(), "the template has a lone surrogate, which is no character");
        let file = file.map(str::to_owned);
        let refusal = Refusal { error, file, line: 1, column: 1, length: 0, source_line: String::new() };
        Err(refused(string.py(), refusal)?)
    })
}

fn refused(py: Python<'_>, refusal: Refusal) -> PyResult<PyErr> {
    let help = refusal.error.advice().map(str::to_owned);
    let Refusal { error, file, line, column, length, source_line } = refusal;
    let raised = ExtractError::new_err((error.code, error.message.clone(), file, line, column, length, source_line));
    raised.value(py).setattr("help", help)?;
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
            (kind, token.contents.to_owned(), lines.line(source, token.start))
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
            let source_line = Lines::text(text, error.span.start).to_owned();
            let refusal = Refusal { error, file: None, line, column, length, source_line };
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
    let unicode: String = module.py().import("unicodedata")?.getattr("unidata_version")?.extract()?;
    crate::unicode::use_version(&unicode);
    module.add("ExtractError", module.py().get_type::<ExtractError>())?;
    let codes = CODES.iter().map(|row| (row.code, (row.severity, row.title))).collect::<Vec<_>>();
    module.add("CODES", PyDict::from_sequence(codes.into_pyobject(module.py())?.as_any())?)?;
    module.add_class::<Registry>()?;
    module.add_class::<PathTree>()?;
    module.add_function(wrap_pyfunction!(extract, module)?)?;
    module.add_function(wrap_pyfunction!(lex, module)?)?;
    module.add_function(wrap_pyfunction!(parse_expression, module)?)
}
