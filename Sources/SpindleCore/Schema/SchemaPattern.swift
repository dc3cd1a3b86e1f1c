/// A regular expression of a schema (the part of ECMA-262 that JSON Schema recommends), as a program of states that are followed all at
/// once: the time is bounded by the lengths of text and expression, whatever they are. (K. Thompson, "Regular Expression Search
/// Algorithm", 1968.)
struct SchemaPattern: Sendable {
    /// Longer texts fit no pattern: the time grows with the length of both.
    static let longestText = 4096
    /// Longer expressions are refused.
    static let longestPattern = 4096

    let text: String
    private let program: [PatternStep]

    /// Reads an expression.
    ///
    /// - Throws: Why it cannot be used: the end of a sentence that begins with the place.
    init(_ text: String) throws(PatternRefusal) {
        guard text.utf8.count <= Self.longestPattern else {
            throw PatternRefusal("has an expression of more than \(Self.longestPattern) bytes")
        }
        self.text = text
        var parser = PatternParser(text)
        var compiler = PatternCompiler()
        program = try compiler.compile(try parser.parse())
    }

    /// Whether it fits somewhere in a text.
    ///
    /// - Parameter steps: What the caller may spend; a match that it does not suffice for is none.
    func matches(_ text: String, _ steps: SchemaSteps) -> Bool {
        guard text.utf8.count <= Self.longestText else { return false }
        var run = PatternRun(program)
        let found = run.search(Array(text.unicodeScalars), limit: steps.patternSteps)
        steps.spent(patternSteps: run.steps)
        return found
    }

    /// Follows it through a text; for tests.
    func search(_ text: String) -> (found: Bool, steps: Int) {
        var run = PatternRun(program)
        let found = run.search(Array(text.unicodeScalars), limit: .max)
        return (found, run.steps)
    }
}

/// Why an expression is not used: the end of a sentence.
struct PatternRefusal: Error {
    let reason: String
    init(_ reason: String) { self.reason = reason }
}

/// A step of a compiled expression.
enum PatternStep: Sendable {
    /// Takes a character of the set and goes on with the next step.
    case take(ScalarSet)
    /// Goes on with both.
    case split(Int, Int)
    case jump(Int)
    /// Goes on if this holds here.
    case assert(PatternNode.Assertion)
    case accept
}

/// Turns a parsed expression into steps.
struct PatternCompiler {
    /// Repetitions are written out; a longer program is refused.
    static let maxSteps = 16_384
    private var steps: [PatternStep] = []

    mutating func compile(_ node: PatternNode) throws(PatternRefusal) -> [PatternStep] {
        try emit(node)
        try add(.accept)
        return steps
    }

    private mutating func add(_ step: PatternStep) throws(PatternRefusal) {
        guard steps.count < Self.maxSteps else { throw PatternRefusal("has an expression whose repetitions are too many") }
        steps.append(step)
    }

    private mutating func emit(_ node: PatternNode) throws(PatternRefusal) {
        switch node {
        case .empty: break
        case .set(let set): try add(.take(set))
        case .assertion(let assertion): try add(.assert(assertion))
        case .sequence(let nodes): for node in nodes { try emit(node) }
        case .alternatives(let nodes): try emit(alternatives: nodes)
        case .repeated(let node, let least, let most): try emit(node, least, most)
        }
    }

    private mutating func emit(alternatives nodes: [PatternNode]) throws(PatternRefusal) {
        var ends: [Int] = []
        for (index, node) in nodes.enumerated() {
            guard index < nodes.count - 1 else {
                try emit(node)
                break
            }
            let split = steps.count
            try add(.split(split + 1, 0))
            try emit(node)
            ends.append(steps.count)
            try add(.jump(0))
            steps[split] = .split(split + 1, steps.count)
        }
        for end in ends { steps[end] = .jump(steps.count) }
    }

    private mutating func emit(_ node: PatternNode, _ least: Int, _ most: Int?) throws(PatternRefusal) {
        // What is nothing each time needs no thousand times.
        let isEmpty = node.isEmpty
        for _ in 0..<(isEmpty ? min(least, 1) : least) { try emit(node) }
        guard let most else {
            let split = steps.count
            try add(.split(split + 1, 0))
            try emit(node)
            try add(.jump(split))
            steps[split] = .split(split + 1, steps.count)
            return
        }
        var splits: [Int] = []
        for _ in least..<max(least, isEmpty ? least : most) {
            splits.append(steps.count)
            try add(.split(steps.count + 1, 0))
            try emit(node)
        }
        for split in splits { steps[split] = .split(split + 1, steps.count) }
    }
}

/// One search.
private struct PatternRun {
    private let program: [PatternStep]
    private var current: [Int] = []
    private var following: [Int] = []
    /// The position (plus one) at which a step was last reached.
    private var reached: [Int]
    private var stack: [Int] = []
    private(set) var steps = 0

    init(_ program: [PatternStep]) {
        self.program = program
        reached = [Int](repeating: 0, count: program.count)
    }

    mutating func search(_ text: [Unicode.Scalar], limit: Int) -> Bool {
        var position = 0
        while steps < limit {
            // It may begin anywhere.
            if follow(0, text, position) { return true }
            guard position < text.count else { return false }
            let scalar = text[position]
            swap(&current, &following)
            following.removeAll(keepingCapacity: true)
            let states = current
            position += 1
            for state in states {
                guard case .take(let set) = program[state] else { continue }
                steps += set.cost
                guard set.contains(scalar) else { continue }
                if follow(state + 1, text, position) { return true }
            }
        }
        return false
    }

    /// Adds a step and all that is reached from it without a character; true if that is the end.
    private mutating func follow(_ first: Int, _ text: [Unicode.Scalar], _ position: Int) -> Bool {
        stack.append(first)
        while let state = stack.popLast() {
            guard reached[state] != position + 1 else { continue }
            reached[state] = position + 1
            steps += 1
            switch program[state] {
            case .take: following.append(state)
            case .jump(let next): stack.append(next)
            case .split(let one, let other):
                stack.append(other)
                stack.append(one)
            case .assert(let assertion): if assertion.holds(in: text, at: position) { stack.append(state + 1) }
            case .accept:
                stack.removeAll(keepingCapacity: true)
                return true
            }
        }
        return false
    }
}
