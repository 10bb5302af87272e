//! The JSON form of a linked template: `djust-ast/paths@1`.

use crate::diag::{Diag, about};
use crate::json::Json;
use crate::link::{ContextRead, Dependency, File, Linker};
use crate::registry::Registry;
use crate::resolver::Resolver;
use crate::tree::Place;

/// Writes the document; a function of its own, so that the bench can tell what it costs.
#[inline(never)]
pub(crate) fn write<R: Resolver>(linker: &Linker<'_, R>, registry: &Registry, partial: Option<&str>, out: &mut Json) {
    let entry = linker.files.first();
    out.start(1024 + entry.map_or(0, |file| file.source.len()));
    out.raw("{\"v\":1,\"kind\":\"linked\",\"template\":{\"name\":");
    optional(out, entry.and_then(|file| file.name.as_deref()));
    out.raw(",\"partial\":");
    optional(out, partial);
    out.raw(",\"hash\":");
    let hash = entry.map_or(0, File::hash);
    out.hex(hash);
    out.raw(",\"bytes\":");
    out.number(entry.map_or(0, |file| file.source.len()));
    out.raw("},\"env\":");
    out.word(&registry.hash);
    out.raw(",\"files\":");
    out.list(linker.files.iter().enumerate(), |out, (row, file)| {
        out.raw("{\"name\":");
        optional(out, file.name.as_deref());
        out.raw(",\"hash\":");
        out.hex(if row == 0 { hash } else { file.hash() });
        out.raw("}");
    });
    out.raw(",\"roots\":");
    linker.machine.tree.write(&linker.machine.names, out, &mut |place, out| position(linker, place, out));
    out.raw(",\"deps\":");
    out.list(linker.dependencies.iter(), |out, dependency| write_dependency(linker, dependency, out));
    if !linker.context.is_empty() {
        out.raw(",\"ctx\":");
        out.list(linker.context.iter(), |out, read| write_context(linker, read, out));
    }
    if linker.dependencies.iter().any(|dependency| dependency.expr.is_some()) && !linker.takers.is_empty() {
        out.raw(",\"takers\":");
        out.list(linker.takers.iter(), |out, tag| out.string(linker.machine.names.text(*tag)));
    }
    out.raw(",\"tags\":{\"unknown\":");
    out.list(linker.unknown.iter(), |out, name| out.string(linker.machine.names.text(*name)));
    out.raw(",\"libs\":");
    out.list(linker.libraries.iter(), |out, name| out.string(linker.machine.names.text(*name)));
    out.raw("},\"diag\":");
    out.list(linker.diags.iter(), |out, diag| write_diag(linker, diag, out));
    if let Some(locals) = &linker.machine.locals {
        out.raw(",\"locals\":{");
        for (row, (name, paths)) in locals.paths(&linker.machine.names).iter().enumerate() {
            if row > 0 {
                out.raw(",");
            }
            out.string(name);
            out.raw(":");
            out.list(paths.iter(), |out, path| out.string(path));
        }
        out.raw("}");
    }
    out.raw("}");
}

fn write_dependency<R: Resolver>(linker: &Linker<'_, R>, dependency: &Dependency, out: &mut Json) {
    out.raw("{\"kind\":");
    out.word(dependency.kind);
    out.raw(",\"name\":");
    optional(out, dependency.name.map(|name| linker.machine.names.text(name)));
    if let Some(expr) = &dependency.expr {
        out.raw(",\"expr\":");
        out.string(expr);
    }
    if let Some(tag) = dependency.tag {
        out.raw(",\"tag\":");
        out.string(linker.machine.names.text(tag));
    }
    if dependency.only {
        out.raw(",\"only\":true");
    }
    if dependency.missing {
        out.raw(",\"missing\":true");
    }
    if let Some(why) = &dependency.why {
        out.raw(",\"why\":");
        out.string(why);
    }
    out.raw(",\"at\":");
    position(linker, dependency.place, out);
    out.raw("}");
}

fn write_context<R: Resolver>(linker: &Linker<'_, R>, read: &ContextRead, out: &mut Json) {
    out.raw("{\"tag\":");
    out.string(linker.machine.names.text(read.tag));
    out.raw(",\"reads\":");
    match &read.reads {
        None => out.raw("\"*\""),
        Some(reads) => out.list(reads.iter(), |out, name| out.string(linker.machine.names.text(*name))),
    }
    out.raw(",\"at\":");
    position(linker, read.place, out);
    out.raw("}");
}

fn write_diag<R: Resolver>(linker: &Linker<'_, R>, diag: &Diag, out: &mut Json) {
    out.raw("{\"sev\":");
    let error = &diag.error;
    out.word(about(error.code).map_or("error", |code| code.severity));
    out.raw(",\"code\":");
    out.word(error.code);
    out.raw(",\"msg\":");
    out.string(&error.message);
    out.raw(",\"at\":");
    position(linker, Place { file: diag.file, span: error.span }, out);
    if let Some(help) = error.advice() {
        out.raw(",\"help\":");
        out.string(help);
    }
    if let Some(file) = linker.files.get(diag.file) {
        let (skipped, shown) = file.lines().excerpt(&file.source, error.span);
        out.raw(",\"src\":");
        out.string(shown);
        if skipped > 0 {
            out.raw(",\"skip\":");
            out.number(skipped);
        }
    }
    out.raw("}");
}

fn position<R: Resolver>(linker: &Linker<'_, R>, place: Place, out: &mut Json) {
    let (line, column, length) = linker.files.get(place.file).map_or((1, 1, 0), |file| file.position(place.span));
    out.numbers([place.file, line, column, length]);
}

fn optional(out: &mut Json, text: Option<&str>) {
    match text {
        Some(text) => out.string(text),
        None => out.raw("null"),
    }
}
