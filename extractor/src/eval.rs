//! Follows expressions to the nodes that they read, through names, steps and filters.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::diag::Span;
use crate::expr::{Call, Expr, Exprs, Operand, Path};
use crate::limits::MAX_SEGMENTS;
use crate::locals::Locals;
use crate::names::{Names, Sym};
use crate::scope::Scope;
use crate::tree::{NodeId, Place, Tree, Uses, Via};
use crate::value::{Thing, Value, ValueId};

mod apply;

/// Names that a link asks for.
pub(crate) struct Known {
    constants: [Sym; 3],
    element: Sym,
    zero: Sym,
    one: Sym,
    grouper: Sym,
    list: Sym,
    pub(crate) forloop: Sym,
    pub(crate) block: Sym,
    pub(crate) csrf_token: Sym,
    pub(crate) super_: Sym,
}

impl Known {
    fn new(names: &mut Names) -> Self {
        Self {
            constants: ["True", "False", "None"].map(|name| names.intern(name)),
            element: names.intern(""),
            zero: names.intern("0"),
            one: names.intern("1"),
            grouper: names.intern("grouper"),
            list: names.intern("list"),
            forloop: names.intern("forloop"),
            block: names.intern("block"),
            csrf_token: names.intern("csrf_token"),
            super_: names.intern("super"),
        }
    }
}

/// The state of a link that expressions see and change.
pub(crate) struct Machine {
    pub(crate) names: Names,
    pub(crate) tree: Tree,
    pub(crate) scope: Scope,
    pub(crate) known: Known,
    /// How many conditions stand around what is replayed.
    pub(crate) conditions: usize,
    /// For each loop around what is replayed, the nodes that its elements are.
    pub(crate) loops: Vec<SmallVec<[NodeId; 2]>>,
    /// The first path that was too long.
    pub(crate) too_long: Option<Place>,
    pub(crate) locals: Option<Locals>,
    values: Vec<Value>,
    kept: FxHashMap<Value, ValueId>,
}

impl Default for Machine {
    fn default() -> Self {
        let mut names = Names::default();
        let known = Known::new(&mut names);
        names.keep();
        let mut scope = Scope::default();
        scope.push(false);
        Self {
            names,
            tree: Tree::default(),
            scope,
            known,
            conditions: 0,
            loops: Vec::new(),
            too_long: None,
            locals: None,
            values: Vec::new(),
            kept: FxHashMap::default(),
        }
    }
}

impl Machine {
    /// Goes back to where it started, but for the room that it has.
    pub(crate) fn clear(&mut self) {
        let Self { names, tree, scope, known: _, conditions, loops, too_long, locals, values, kept } = self;
        names.forget();
        tree.clear();
        scope.clear();
        scope.push(false);
        *conditions = 0;
        loops.clear();
        *too_long = None;
        *locals = None;
        values.clear();
        kept.clear();
    }

    /// Returns what an expression may stand for; its filters read what they read.
    ///
    /// If that is `lenient`, nothing happens from the filter on that misses its argument.
    pub(crate) fn eval(&mut self, exprs: &Exprs, expr: &Expr, file: usize, mut maybe: bool, lenient: bool) -> Value {
        let mut value = self.operand(exprs, &expr.head, file);
        for call in exprs.calls(expr) {
            let argument = call.argument.as_ref().map(|argument| self.operand(exprs, argument, file)).unwrap_or_default();
            let unsure = lenient && self.may_be_missing(exprs, call);
            value.maybe |= unsure;
            value = self.apply(value, call, &argument, file, maybe);
            maybe |= unsure;
        }
        value
    }

    /// Returns whether the argument of a filter may not be there.
    fn may_be_missing(&self, exprs: &Exprs, call: &Call) -> bool {
        let Some(Operand::Path(path)) = &call.argument else { return false };
        match exprs.segments(path) {
            [name] => !self.known.constants.contains(&name.name) && (self.scope.is_walled() || self.scope.get(name.name).unbound),
            _ => true,
        }
    }

    pub(crate) fn operand(&mut self, exprs: &Exprs, operand: &Operand, file: usize) -> Value {
        match operand {
            Operand::Path(path) => self.follow(exprs, path, file),
            Operand::Nothing | Operand::Text { .. } => Value::default(),
        }
    }

    fn follow(&mut self, exprs: &Exprs, path: &Path, file: usize) -> Value {
        let mut steps = exprs.segments(path).iter();
        let Some(head) = steps.next() else { return Value::default() };
        let mut place = Place { file, span: Span::new(path.start, head.end.saturating_sub(path.start)) };
        let mut value = self.name(head.name);
        self.place_written(&value, place);
        // Most are one value of the context, without local names: what takes the steps below is then a node, too.
        if let ([Thing::Node(id)], []) = (value.things.as_slice(), value.locals.as_slice()) {
            let mut id = *id;
            for step in steps {
                place.span.len = step.end.saturating_sub(path.start);
                let Some(below) = self.node_below(id, step.name, step.index, place) else {
                    value.things.clear();
                    return value;
                };
                id = below;
                if place.span.len > 0 {
                    self.tree.place(id, place);
                }
            }
            value.things = SmallVec::from_elem(Thing::Node(id), 1);
            return value;
        }
        for step in steps {
            place.span.len = step.end.saturating_sub(path.start);
            value = self.step(&value, step.name, step.index, place);
            self.place_written(&value, place);
        }
        value
    }

    /// Notes where a value is written: the name in front of the key of a regroup is not, however many dots it has.
    fn place_written(&mut self, value: &Value, place: Place) {
        if place.span.len > 0 {
            self.place(value, place);
        }
    }

    fn place(&mut self, value: &Value, place: Place) {
        for thing in &value.things {
            if let Thing::Node(id) = thing {
                self.tree.place(*id, place);
            }
        }
    }

    /// Returns what a name stands for.
    pub(crate) fn name(&mut self, name: Sym) -> Value {
        if self.scope.is_free(name) && !self.known.constants.contains(&name) {
            return Value::of(Thing::Node(self.tree.root(name)));
        }
        let mut value = self.scope.get(name);
        if value.unbound && !self.known.constants.contains(&name) {
            value.maybe |= !value.things.is_empty();
            value.add(Thing::Node(self.tree.root(name)));
        }
        value.unbound = false;
        value
    }

    /// Reads a name of the context as it stands, dots and all.
    pub(crate) fn read_key(&mut self, name: Sym, uses: Uses, maybe: bool, place: Place) {
        let value = self.name(name);
        self.place(&value, place);
        self.consume(&value, uses, maybe);
    }

    /// Returns what `.name` of a value may be.
    fn step(&mut self, value: &Value, name: Sym, index: bool, place: Place) -> Value {
        let mut found = Value::default();
        for thing in &value.things {
            match thing {
                Thing::Node(id) => {
                    if let Some(below) = self.node_below(*id, name, index, place) {
                        found.add(Thing::Node(below));
                    }
                }
                Thing::Part(id) => {
                    let (via, name) = if index { (Via::Element, self.known.element) } else { (Via::Attr, name) };
                    if let Some(below) = self.child(*id, via, name, place) {
                        found.add(Thing::Node(below));
                    }
                }
                Thing::List(element) if index => found.absorb(&self.value(*element)),
                Thing::Groups { element, key } if index => found.add(Thing::Group { element: *element, key: *key }),
                Thing::Group { key, .. } if name == self.known.grouper || name == self.known.zero => {
                    found.absorb(&self.value(*key));
                }
                Thing::Group { element, .. } if name == self.known.list || name == self.known.one => {
                    found.add(Thing::List(*element));
                }
                _ => {}
            }
        }
        found.maybe = value.maybe || found.maybe || found.things.len() > 1;
        found.locals = self.locals_below(&value.locals, (!index).then_some(name));
        found
    }

    /// Returns the node of `.name` of a value of the context.
    fn node_below(&mut self, id: NodeId, name: Sym, index: bool, place: Place) -> Option<NodeId> {
        self.child(id, if index { Via::Index } else { Via::Attr }, name, place)
    }

    /// Returns the node below another one, unless the path gets too long.
    fn child(&mut self, id: NodeId, via: Via, name: Sym, place: Place) -> Option<NodeId> {
        if self.tree.depth(id) >= MAX_SEGMENTS {
            self.too_long.get_or_insert(place);
            return None;
        }
        Some(self.tree.child(id, via, name))
    }

    /// Returns what item number `index` of a value may be.
    pub(crate) fn item(&mut self, value: &Value, index: usize) -> Value {
        let name = self.names.intern(&index.to_string());
        self.step(value, name, true, Place { file: 0, span: Span::default() })
    }

    /// Returns what an element of a value may be.
    pub(crate) fn element(&mut self, value: &Value, file: usize) -> Value {
        let mut found = Value::default();
        for thing in &value.things {
            match thing {
                Thing::Node(id) | Thing::Part(id) => {
                    let place = Place { file, span: Span::default() };
                    if let Some(element) = self.child(*id, Via::Element, self.known.element, place) {
                        found.add(Thing::Node(element));
                    }
                }
                Thing::List(element) => found.absorb(&self.value(*element)),
                Thing::Groups { element, key } => found.add(Thing::Group { element: *element, key: *key }),
                Thing::Group { element, key } => {
                    found.absorb(&self.value(*key));
                    found.add(Thing::List(*element));
                }
                Thing::Block { .. } | Thing::Text(_) => {}
            }
        }
        found.maybe = value.maybe || found.maybe || found.things.len() > 1;
        found.locals.clone_from(&value.locals);
        found
    }

    /// Keeps a value so that a thing can refer to it; equal values are kept once.
    pub(crate) fn keep(&mut self, value: Value) -> ValueId {
        let next = ValueId(u32::try_from(self.values.len()).unwrap_or(u32::MAX));
        let id = *self.kept.entry(value.clone()).or_insert(next);
        if id == next {
            self.values.push(value);
        }
        id
    }

    fn value(&self, id: ValueId) -> Value {
        self.values.get(id.0 as usize).cloned().unwrap_or_default()
    }

    /// Notes a use of a value itself.
    pub(crate) fn consume(&mut self, value: &Value, uses: Uses, maybe: bool) {
        let maybe = maybe || value.maybe || self.conditions > 0;
        if let Some(locals) = &mut self.locals {
            locals.read(&value.locals);
        }
        if let [Thing::Node(id) | Thing::Part(id)] = value.things.as_slice() {
            return self.mark(*id, uses, maybe);
        }
        let mut inner = Vec::new();
        for thing in &value.things {
            self.consume_thing(*thing, uses, maybe, &mut inner);
        }
        // What a list is made of shows when it is printed (with `repr`) or compared.
        let inner_uses = if uses.has(Uses::OUT.and(Uses::ESC).and(Uses::ARG)) { Uses::ESC } else { uses };
        let mut at = 0;
        while let Some(id) = inner.get(at).copied() {
            at += 1;
            for thing in self.value(id).things {
                self.consume_thing(thing, inner_uses, maybe, &mut inner);
            }
        }
    }

    /// Notes that a loop over such elements begins: it may be one over nothing.
    pub(crate) fn begin_loop(&mut self, element: &Value) {
        let (mut nodes, mut lists, mut at) = (SmallVec::new(), Vec::new(), 0);
        let mut things = element.things.clone();
        loop {
            for thing in things {
                match thing {
                    Thing::Node(id) | Thing::Part(id) => nodes.push(id),
                    Thing::List(list) | Thing::Group { element: list, .. } if !lists.contains(&list) => lists.push(list),
                    _ => {}
                }
            }
            let Some(list) = lists.get(at).copied() else { break };
            at += 1;
            things = self.value(list).things;
        }
        self.loops.push(nodes);
    }

    /// Returns whether some loop around may not run at all although the node, which is no part of its elements, is there.
    fn in_a_loop_over_others(&self, id: NodeId) -> bool {
        !self.loops.iter().all(|elements| elements.iter().any(|element| self.tree.leads_to(*element, id)))
    }

    fn mark(&mut self, id: NodeId, uses: Uses, maybe: bool) {
        self.tree.mark(id, uses, maybe || self.in_a_loop_over_others(id));
    }

    fn consume_thing(&mut self, thing: Thing, uses: Uses, maybe: bool, inner: &mut Vec<ValueId>) {
        let deep = uses.has(Uses::OUT.and(Uses::ESC).and(Uses::ARG).and(Uses::CMP));
        let mut look_into = |id: ValueId| {
            if deep && !inner.contains(&id) {
                inner.push(id);
            }
        };
        match thing {
            Thing::Node(id) | Thing::Part(id) => self.mark(id, uses, maybe),
            Thing::List(element) => look_into(element),
            Thing::Groups { element, key } | Thing::Group { element, key } => {
                look_into(element);
                look_into(key);
            }
            Thing::Block { .. } | Thing::Text(_) => {}
        }
    }

    /// Names the filter or tag that consumed a value.
    pub(crate) fn label(&mut self, value: &Value, label: Sym) {
        for thing in &value.things {
            if let Thing::Node(id) | Thing::Part(id) = thing {
                self.tree.consume(*id, label);
            }
        }
    }

    /// Binds a name that the template made.
    pub(crate) fn bind_local(&mut self, name: Sym, mut value: Value) {
        if let Some(locals) = &mut self.locals {
            value.locals.push(locals.root(name));
        }
        self.scope.bind(name, value);
    }

    fn locals_below(&mut self, parents: &[u32], name: Option<Sym>) -> Vec<u32> {
        match (&mut self.locals, name) {
            (Some(locals), Some(name)) => parents.iter().map(|parent| locals.child(*parent, name)).collect(),
            (Some(_), None) => parents.to_vec(),
            (None, _) => Vec::new(),
        }
    }
}
