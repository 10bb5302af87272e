//! The JSON form of a linked template: `djust-ast/paths@1`.

use crate::diag::Diag;
use crate::json::{list, number, string};
use crate::link::{ContextRead, Dependency, Linker};
use crate::registry::Registry;
use crate::resolver::Resolver;
use crate::tree::Place;

/// Returns the document as JSON text.
pub(crate) fn write<R: Resolver>(linker: &Linker<'_, R>, registry: &Registry, partial: Option<&str>) -> String {
    let entry = linker.files.first();
    let mut out = String::with_capacity(1024 + entry.map_or(0, |file| file.source.len()));
    out.push_str("{\"v\":1,\"kind\":\"linked\",\"template\":{\"name\":");
    optional(&mut out, entry.and_then(|file| file.name.as_deref()));
    out.push_str(",\"partial\":");
    optional(&mut out, partial);
    out.push_str(",\"hash\":");
    string(&mut out, entry.map_or("", |file| &file.hash));
    out.push_str(",\"bytes\":");
    number(&mut out, entry.map_or(0, |file| file.source.len()));
    out.push_str("},\"env\":");
    string(&mut out, &registry.hash);
    out.push_str(",\"files\":");
    list(&mut out, linker.files.iter(), |out, file| {
        out.push_str("{\"name\":");
        optional(out, file.name.as_deref());
        out.push_str(",\"hash\":");
        string(out, &file.hash);
        out.push('}');
    });
    out.push_str(",\"roots\":");
    linker.machine.tree.write(&linker.machine.names, &mut out, &mut |place, out| position(linker, place, out));
    out.push_str(",\"deps\":");
    list(&mut out, linker.dependencies.iter(), |out, dependency| write_dependency(linker, dependency, out));
    if !linker.context.is_empty() {
        out.push_str(",\"ctx\":");
        list(&mut out, linker.context.iter(), |out, read| write_context(linker, read, out));
    }
    out.push_str(",\"tags\":{\"unknown\":");
    list(&mut out, linker.unknown.iter(), |out, name| string(out, name));
    out.push_str(",\"libs\":");
    list(&mut out, linker.libraries.iter(), |out, name| string(out, name));
    out.push_str("},\"diag\":");
    list(&mut out, linker.diags.iter(), |out, diag| write_diag(linker, diag, out));
    if let Some(locals) = &linker.machine.locals {
        out.push_str(",\"locals\":{");
        for (row, (name, paths)) in locals.paths(&linker.machine.names).iter().enumerate() {
            if row > 0 {
                out.push(',');
            }
            string(&mut out, name);
            out.push(':');
            list(&mut out, paths.iter(), |out, path| string(out, path));
        }
        out.push('}');
    }
    out.push('}');
    out
}

fn write_dependency<R: Resolver>(linker: &Linker<'_, R>, dependency: &Dependency, out: &mut String) {
    out.push_str("{\"kind\":");
    string(out, dependency.kind);
    out.push_str(",\"name\":");
    optional(out, dependency.name.as_deref());
    if let Some(expr) = &dependency.expr {
        out.push_str(",\"expr\":");
        string(out, expr);
    }
    if let Some(tag) = dependency.tag {
        out.push_str(",\"tag\":");
        string(out, linker.machine.names.text(tag));
    }
    if dependency.only {
        out.push_str(",\"only\":true");
    }
    if dependency.missing {
        out.push_str(",\"missing\":true");
    }
    out.push_str(",\"at\":");
    position(linker, dependency.place, out);
    out.push('}');
}

fn write_context<R: Resolver>(linker: &Linker<'_, R>, read: &ContextRead, out: &mut String) {
    out.push_str("{\"tag\":");
    string(out, linker.machine.names.text(read.tag));
    out.push_str(",\"reads\":");
    match &read.reads {
        None => out.push_str("\"*\""),
        Some(reads) => list(out, reads.iter(), |out, name| string(out, linker.machine.names.text(*name))),
    }
    out.push_str(",\"at\":");
    position(linker, read.place, out);
    out.push('}');
}

fn write_diag<R: Resolver>(linker: &Linker<'_, R>, diag: &Diag, out: &mut String) {
    out.push_str("{\"sev\":");
    string(out, diag.severity);
    out.push_str(",\"code\":");
    string(out, diag.code);
    out.push_str(",\"msg\":");
    string(out, &diag.message);
    out.push_str(",\"at\":");
    position(linker, Place { file: diag.file, span: diag.span }, out);
    out.push('}');
}

fn position<R: Resolver>(linker: &Linker<'_, R>, place: Place, out: &mut String) {
    let (line, column, length) =
        linker.files.get(place.file).map_or((1, 1, 0), |file| file.lines.position(&file.source, place.span));
    for (mark, value) in [('[', place.file), (',', line), (',', column), (',', length)] {
        out.push(mark);
        number(out, value);
    }
    out.push(']');
}

fn optional(out: &mut String, text: Option<&str>) {
    match text {
        Some(text) => string(out, text),
        None => out.push_str("null"),
    }
}
