//! What names stand for while a template is replayed: Django's stack of context dicts.

use rustc_hash::FxHashSet;
use smallvec::SmallVec;

use crate::names::Sym;
use crate::value::Value;

#[derive(Debug)]
struct Binding {
    frame: u32,
    depth: usize,
    value: Value,
}

#[derive(Debug)]
struct Frame {
    id: u32,
    wall: bool,
    names: SmallVec<[Sym; 2]>,
}

#[derive(Debug)]
struct Write {
    frame: u32,
    name: Sym,
    before: Value,
}

/// What a branch left behind: the names that it bound in frames that are still open, sorted. Most bind none.
#[derive(Debug, Default)]
pub(crate) struct Outcome(Vec<((u32, Sym), Value)>);

impl Outcome {
    fn get(&self, key: (u32, Sym)) -> Option<&Value> {
        let row = self.0.binary_search_by_key(&key, |(key, _)| *key).ok()?;
        self.0.get(row).map(|(_, value)| value)
    }
}

/// The stack of scopes, with a log of writes so that branches can be undone and joined.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    frames: Vec<Frame>,
    bindings: Vec<SmallVec<[Binding; 1]>>,
    log: Vec<Write>,
    serial: u32,
    walls: usize,
}

impl Scope {
    pub(crate) fn clear(&mut self) {
        self.frames.clear();
        self.bindings.clear();
        self.log.clear();
        (self.serial, self.walls) = (0, 0);
    }

    /// Opens a scope; through a `wall` nothing further out can be seen.
    pub(crate) fn push(&mut self, wall: bool) {
        self.serial += 1;
        self.walls += usize::from(wall);
        self.frames.push(Frame { id: self.serial, wall, names: SmallVec::new() });
    }

    /// Closes the innermost scope.
    pub(crate) fn pop(&mut self) {
        if let Some(frame) = self.frames.pop() {
            self.walls -= usize::from(frame.wall);
            for name in frame.names {
                if let Some(stack) = self.bindings.get_mut(name.0 as usize) {
                    stack.pop();
                }
            }
        }
    }

    /// Returns how many scopes are open.
    pub(crate) fn depth(&self) -> usize {
        self.frames.len()
    }

    /// Returns whether outer names are hidden.
    pub(crate) fn is_walled(&self) -> bool {
        self.walls > 0
    }

    fn wall(&self) -> usize {
        if self.walls == 0 {
            return 0;
        }
        self.frames.iter().rposition(|frame| frame.wall).unwrap_or(0)
    }

    /// Returns whether `name` is certainly a name of the context.
    pub(crate) fn is_free(&self, name: Sym) -> bool {
        self.walls == 0 && self.bindings.get(name.0 as usize).is_none_or(SmallVec::is_empty)
    }

    /// Returns what `name` may stand for; `unbound` if it may be a name of the context.
    pub(crate) fn get(&self, name: Sym) -> Value {
        let stack = self.bindings.get(name.0 as usize).map_or(&[][..], |stack| stack);
        if stack.is_empty() {
            return Value { unbound: !self.is_walled(), ..Value::default() };
        }
        let wall = self.wall();
        let mut found = Value::default();
        for (row, binding) in stack.iter().rev().take_while(|binding| binding.depth >= wall).enumerate() {
            if binding.value.unbound && binding.value.things.is_empty() && !binding.value.maybe {
                continue;
            }
            if row == 0 || (found == Value::default()) {
                found = binding.value.clone();
            } else {
                found.merge(&binding.value);
                found.maybe = true;
            }
            if !binding.value.unbound {
                found.unbound = false;
                return found;
            }
        }
        found.unbound = !self.is_walled();
        found
    }

    /// Returns everything bound at `depth` or further in.
    pub(crate) fn bound_since(&self, depth: usize) -> Value {
        let names = self.frames.iter().skip(depth).flat_map(|frame| &frame.names);
        let bindings = names.filter_map(|name| self.bindings.get(name.0 as usize)).flatten();
        let (mut things, mut locals) = (FxHashSet::default(), FxHashSet::default());
        let mut all = Value { maybe: true, ..Value::default() };
        for Binding { value, .. } in bindings.filter(|binding| binding.depth >= depth) {
            all.things.extend(value.things.iter().copied().filter(|thing| things.insert(*thing)));
            all.locals.extend(value.locals.iter().copied().filter(|local| locals.insert(*local)));
        }
        all
    }

    /// Returns how many names are bound.
    pub(crate) fn size(&self) -> usize {
        self.frames.iter().map(|frame| frame.names.len()).sum()
    }

    /// Returns everything that can be seen behind the innermost wall.
    pub(crate) fn visible(&self) -> Value {
        self.bound_since(self.wall())
    }

    /// Binds a name in the innermost scope.
    pub(crate) fn bind(&mut self, name: Sym, value: Value) {
        let Some(depth) = self.frames.len().checked_sub(1) else { return };
        let Some(frame) = self.frames.last().map(|frame| frame.id) else { return };
        let row = name.0 as usize;
        if self.bindings.len() <= row {
            self.bindings.resize_with(row + 1, SmallVec::new);
        }
        let Some(stack) = self.bindings.get_mut(row) else { return };
        let before = match stack.last_mut() {
            Some(last) if last.frame == frame => std::mem::replace(&mut last.value, value),
            _ => {
                stack.push(Binding { frame, depth, value });
                if let Some(top) = self.frames.last_mut() {
                    top.names.push(name);
                }
                Value::nothing_bound()
            }
        };
        self.log.push(Write { frame, name, before });
    }

    /// Binds a name wherever it may be bound already, or else in the innermost scope, as `Context.set_upward`.
    ///
    /// The name may keep what it stood for.
    pub(crate) fn bind_upward(&mut self, name: Sym, value: &Value) {
        let wall = self.wall();
        let mut certain = false;
        if let Some(stack) = self.bindings.get_mut(name.0 as usize) {
            for binding in stack.iter_mut().rev().take_while(|binding| binding.depth >= wall) {
                if binding.value.unbound && binding.value.things.is_empty() {
                    continue;
                }
                certain = !binding.value.unbound;
                self.log.push(Write { frame: binding.frame, name, before: binding.value.clone() });
                let unbound = binding.value.unbound;
                binding.value.merge(value);
                binding.value.unbound = unbound;
                binding.value.maybe = true;
                if certain {
                    break;
                }
            }
        }
        if certain {
            return;
        }
        if wall == 0 && self.frames.len() > 1 {
            self.bind_outermost(name, value);
        }
        let mut either = self.innermost(name);
        either.merge(value);
        either.maybe = true;
        self.bind(name, either);
    }

    /// Binds a name that the context may have had from the start.
    fn bind_outermost(&mut self, name: Sym, value: &Value) {
        let Some(frame) = self.frames.first_mut() else { return };
        let row = name.0 as usize;
        if self.bindings.len() <= row {
            self.bindings.resize_with(row + 1, SmallVec::new);
        }
        let Some(stack) = self.bindings.get_mut(row) else { return };
        if stack.first().is_none_or(|binding| binding.depth > 0) {
            stack.insert(0, Binding { frame: frame.id, depth: 0, value: Value::nothing_bound() });
            frame.names.push(name);
        }
        let Some(binding) = stack.first_mut() else { return };
        self.log.push(Write { frame: frame.id, name, before: binding.value.clone() });
        binding.value.merge(value);
        binding.value.unbound = true;
        binding.value.maybe = true;
    }

    fn innermost(&self, name: Sym) -> Value {
        let frame = self.frames.last().map(|frame| frame.id);
        let last = self.bindings.get(name.0 as usize).and_then(|stack| stack.last());
        match last {
            Some(binding) if Some(binding.frame) == frame => binding.value.clone(),
            _ => Value::nothing_bound(),
        }
    }

    /// Returns a mark to which writes can be undone.
    pub(crate) fn mark(&self) -> usize {
        self.log.len()
    }

    /// Returns the names that may stand for more than they did before what was written since `mark`.
    pub(crate) fn grown_since(&self, mark: usize) -> impl Iterator<Item = Sym> + '_ {
        self.log.iter().skip(mark).filter_map(|write| {
            let stack = self.bindings.get(write.name.0 as usize)?;
            let binding = stack.iter().rev().find(|binding| binding.frame == write.frame)?;
            let grown = binding.value.things.iter().any(|thing| !write.before.things.contains(thing));
            grown.then_some(write.name)
        })
    }

    fn binding(&mut self, frame: u32, name: Sym) -> Option<&mut Binding> {
        self.bindings.get_mut(name.0 as usize)?.iter_mut().rev().find(|binding| binding.frame == frame)
    }

    /// Undoes all writes since `mark` and returns what they had led to.
    pub(crate) fn undo(&mut self, mark: usize) -> Outcome {
        let mut outcome = Outcome::default();
        while self.log.len() > mark {
            let Some(write) = self.log.pop() else { break };
            let Some(binding) = self.binding(write.frame, write.name) else { continue };
            let after = std::mem::replace(&mut binding.value, write.before);
            outcome.0.push(((write.frame, write.name), after));
        }
        // The last write of a name came first.
        outcome.0.sort_by_key(|(key, _)| *key);
        outcome.0.dedup_by_key(|(key, _)| *key);
        outcome
    }

    /// Makes every name either of what it is now (unless a branch is certain to be taken) and what the outcomes say.
    pub(crate) fn join(&mut self, outcomes: &[Outcome], certain: bool) {
        for (frame, name) in outcomes.iter().flat_map(|outcome| &outcome.0).map(|(key, _)| *key) {
            let Some(binding) = self.binding(frame, name) else { continue };
            let before = binding.value.clone();
            let mut joined: Option<Value> = None;
            let mut untouched = !certain;
            for outcome in outcomes {
                match outcome.get((frame, name)) {
                    Some(value) => merge_into(&mut joined, value),
                    None => untouched = true,
                }
            }
            if untouched {
                merge_into(&mut joined, &before);
            }
            let joined = joined.unwrap_or_default();
            if !joined.is_same(&before) {
                binding.value = joined;
                self.log.push(Write { frame, name, before });
            }
        }
    }
}

fn merge_into(joined: &mut Option<Value>, value: &Value) {
    match joined {
        Some(joined) => joined.merge(value),
        None => *joined = Some(value.clone()),
    }
}
