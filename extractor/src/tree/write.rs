//! The JSON form of the tree.

use rustc_hash::FxHashMap;

use super::{Node, NodeId, Place, TOP, Tree, Uses, Via};
use crate::json::{list, string};
use crate::names::Names;

impl Tree {
    /// Writes the object of all roots.
    pub(crate) fn write(&self, names: &Names, out: &mut String, position: &mut dyn FnMut(Place, &mut String)) {
        let mut below = self.kept_children(names);
        let mut open: Vec<Level> = vec![Level::below(below.remove(&TOP).unwrap_or_default(), false)];
        out.push('{');
        while let Some(level) = open.last_mut() {
            let Some(id) = level.children.get(level.next).copied() else {
                out.push_str(level.closer);
                open.pop();
                continue;
            };
            level.next += 1;
            let Some(node) = self.nodes.get(id.0 as usize) else { continue };
            let head = if level.via == Some(node.via) { "," } else { level.enter(node.via) };
            out.push_str(head);
            if node.via != Via::Element {
                string(out, names.text(node.name));
                out.push(':');
            }
            out.push('{');
            let written = Self::write_fields(node, names, out, position);
            open.push(Level::below(below.remove(&id.0).unwrap_or_default(), written));
        }
    }

    fn write_fields(node: &Node, names: &Names, out: &mut String, position: &mut dyn FnMut(Place, &mut String)) -> bool {
        let before = out.len();
        if node.uses != Uses::NONE {
            list(out, "u", node.uses.words(), string);
        }
        if !node.surely {
            comma(out, before);
            out.push_str("\"c\":1");
        }
        if !node.filters.is_empty() {
            comma(out, before);
            list(out, "f", node.filters.iter(), |out, label| string(out, names.text(*label)));
        }
        if !node.places.is_empty() {
            comma(out, before);
            list(out, "at", node.places.iter(), |out, place| position(*place, out));
        }
        out.len() > before
    }

    fn kept_children(&self, names: &Names) -> FxHashMap<u32, Vec<NodeId>> {
        let mut below: FxHashMap<u32, Vec<NodeId>> = FxHashMap::default();
        for (row, node) in self.nodes.iter().enumerate().filter(|(_, node)| node.kept) {
            let id = NodeId(u32::try_from(row).unwrap_or(TOP));
            below.entry(node.parent.map_or(TOP, |id| id.0)).or_default().push(id);
        }
        for children in below.values_mut() {
            children.sort_unstable_by_key(|id| self.nodes.get(id.0 as usize).map(|node| (node.via, names.text(node.name))));
        }
        below
    }
}

/// An object that is being written: its children, and what closes it after the last.
struct Level {
    children: Vec<NodeId>,
    next: usize,
    via: Option<Via>,
    closer: &'static str,
    started: bool,
}

impl Level {
    fn below(children: Vec<NodeId>, started: bool) -> Self {
        Self { children, next: 0, via: None, closer: "}", started }
    }

    /// Returns the text between the child before and the first child of another kind.
    fn enter(&mut self, via: Via) -> &'static str {
        let open_group = matches!(self.via, Some(Via::Attr | Via::Index));
        let first = self.via.is_none() && !self.started;
        self.via = Some(via);
        self.closer = if matches!(via, Via::Attr | Via::Index) { "}}" } else { "}" };
        match (via, open_group, first) {
            (Via::Root, _, _) => "",
            (Via::Attr, _, true) => "\"a\":{",
            (Via::Attr, _, false) => ",\"a\":{",
            (Via::Index, true, _) => "},\"i\":{",
            (Via::Index, false, true) => "\"i\":{",
            (Via::Index, false, false) => ",\"i\":{",
            (Via::Element, true, _) => "},\"e\":",
            (Via::Element, false, true) => "\"e\":",
            (Via::Element, false, false) => ",\"e\":",
        }
    }
}

fn comma(out: &mut String, before: usize) {
    if out.len() > before {
        out.push(',');
    }
}
