//! The JSON form of the tree.

use smallvec::SmallVec;

use super::{Node, NodeId, Place, TOP, Tree, Uses, Via};
use crate::json::Json;
use crate::names::Names;

impl Tree {
    /// Writes the object of all roots.
    pub(crate) fn write(&self, names: &Names, out: &mut Json, position: &mut dyn FnMut(Place, &mut Json)) {
        let kept = self.kept(names);
        let mut open: SmallVec<[Level<'_, '_>; 8]> = SmallVec::new();
        open.push(Level::below(children(&kept, None), false));
        out.raw("{");
        while let Some(level) = open.last_mut() {
            let Some(Row { id, node, .. }) = level.next() else {
                out.raw(level.closer);
                open.pop();
                continue;
            };
            let head = if level.via == Some(node.via) { "," } else { level.enter(node.via) };
            out.raw(head);
            if node.via != Via::Element {
                out.string(names.text(node.name));
                out.raw(":");
            }
            out.raw("{");
            let written = Self::write_fields(node, names, out, position);
            open.push(Level::below(children(&kept, Some(id)), written));
        }
    }

    fn write_fields(node: &Node, names: &Names, out: &mut Json, position: &mut dyn FnMut(Place, &mut Json)) -> bool {
        let before = out.len();
        if node.uses != Uses::NONE {
            out.raw("\"u\":");
            out.list(node.uses.words(), Json::raw);
        }
        if !node.surely {
            comma(out, before);
            out.raw("\"c\":1");
        }
        if !node.filters.is_empty() {
            comma(out, before);
            out.raw("\"f\":");
            out.list(node.filters.iter(), |out, label| out.string(names.text(*label)));
        }
        if !node.places.is_empty() {
            comma(out, before);
            out.raw("\"at\":");
            out.list(node.places.iter(), |out, place| position(*place, out));
        }
        out.len() > before
    }

    /// Returns the nodes that were read or lead to such, in the order in which they are written below each parent.
    fn kept(&self, names: &Names) -> Vec<Row<'_>> {
        let mut rows: Vec<Row<'_>> = Vec::with_capacity(self.nodes.len());
        for (id, node) in (0..TOP).map(NodeId).zip(&self.nodes).filter(|(_, node)| node.kept) {
            rows.push(Row { order: order(node, names), id, node });
        }
        rows.sort_unstable_by(|one, other| {
            one.order.cmp(&other.order).then_with(|| names.text(one.node.name).cmp(names.text(other.node.name)))
        });
        rows
    }
}

/// A node that is written.
#[derive(Clone, Copy)]
struct Row<'t> {
    /// Its parent, how it hangs below that, and the first letters of its name: most rows differ in that already.
    order: (Option<NodeId>, Via, u64),
    id: NodeId,
    node: &'t Node,
}

fn order(node: &Node, names: &Names) -> (Option<NodeId>, Via, u64) {
    let name = names.text(node.name).as_bytes();
    let letters = match name.first_chunk::<8>() {
        Some(eight) => u64::from_be_bytes(*eight),
        None => name.iter().rev().fold(0, |letters, byte| letters >> 8 | u64::from(*byte) << 56),
    };
    (node.parent, node.via, letters)
}

fn children<'k, 't>(kept: &'k [Row<'t>], parent: Option<NodeId>) -> &'k [Row<'t>] {
    let rest = &kept[kept.partition_point(|row| row.node.parent < parent)..];
    &rest[..rest.iter().take_while(|row| row.node.parent == parent).count()]
}

/// An object that is being written: its children that are not yet, and what closes it after the last.
struct Level<'k, 't> {
    children: &'k [Row<'t>],
    via: Option<Via>,
    closer: &'static str,
    started: bool,
}

impl<'k, 't> Level<'k, 't> {
    fn below(children: &'k [Row<'t>], started: bool) -> Self {
        Self { children, via: None, closer: "}", started }
    }

    fn next(&mut self) -> Option<Row<'t>> {
        let (first, rest) = self.children.split_first()?;
        self.children = rest;
        Some(*first)
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

fn comma(out: &mut Json, before: usize) {
    if out.len() > before {
        out.raw(",");
    }
}
