/// How much of one check is left: a few references, or expressions, can ask for more than any machine can do.
final class SchemaSteps {
    /// Steps of an expression that count as one.
    private static let share = 64
    private var left: Int
    private var patternRest = 0
    /// Something was not looked at.
    private(set) var areOver = false

    init(_ left: Int = 100_000) { self.left = left }

    func take() -> Bool {
        left -= 1
        if left <= 0 { areOver = true }
        return !areOver
    }

    /// How many steps an expression may still take.
    var patternSteps: Int { areOver ? 0 : left * Self.share }

    /// An expression took so many.
    func spent(patternSteps: Int) {
        patternRest += patternSteps
        left -= patternRest / Self.share
        patternRest %= Self.share
        if left <= 0 { areOver = true }
    }
}
