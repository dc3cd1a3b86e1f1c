/// A table for people: aligned columns, the wide ones shortened to the width of the terminal.
package struct Table: Sendable {
    /// A column.
    package struct Column: Sendable {
        let title: String
        let isNumber: Bool
        /// Gives way when the terminal is narrow.
        let isFlexible: Bool

        /// Describes a column.
        package init(_ title: String, isNumber: Bool = false, isFlexible: Bool = false) {
            self.title = title
            self.isNumber = isNumber
            self.isFlexible = isFlexible
        }
    }

    /// A cell: text, and the colour it has on a terminal.
    package struct Cell: Sendable, ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
        let text: String
        let colour: Colour?

        /// Text from anywhere.
        package init(_ text: String, _ colour: Colour? = nil) {
            self.text = SafeText.line(text)
            self.colour = colour
        }

        /// Text from anywhere.
        package init(stringLiteral value: String) { self.init(value) }
    }

    /// The colours that are used.
    package enum Colour: Int, Sendable {
        case red = 31
        case green = 32
        case yellow = 33
        case grey = 90
    }

    private static let leastFlexibleWidth = 8
    private let columns: [Column]
    private var rows: [[Cell]] = []

    /// A table without rows.
    package init(_ columns: [Column]) { self.columns = columns }

    /// Whether there are no rows.
    package var isEmpty: Bool { rows.isEmpty }

    /// Adds a row with a cell for each column.
    package mutating func add(_ cells: [Cell]) {
        precondition(cells.count == columns.count, "a row has a cell for each column")
        rows.append(cells)
    }

    /// The lines of the table.
    ///
    /// - Parameters:
    ///   - width: The width of the terminal; nil does not shorten.
    ///   - isColoured: Whether to use colours.
    package func lines(width: Int?, isColoured: Bool) -> [String] {
        let widths = columnWidths(fitting: width)
        let header = columns.map { Cell($0.title) }
        return ([header] + rows).map { row in
            var line = ""
            for (index, cell) in row.enumerated() {
                let text = SafeText.shortened(cell.text, to: widths[index])
                let padding = String(repeating: " ", count: max(widths[index] - DisplayWidth.of(text), 0))
                let shown = isColoured ? cell.colour.map { "\u{1B}[\($0.rawValue)m\(text)\u{1B}[0m" } ?? text : text
                let isLast = index == row.count - 1
                line += columns[index].isNumber ? padding + shown : isLast ? shown : shown + padding
                if !isLast { line += "  " }
            }
            while line.last == " " { line.removeLast() }
            return line
        }
    }

    private func columnWidths(fitting width: Int?) -> [Int] {
        var widths = columns.indices.map { index in
            max(columns[index].title.count, rows.map { DisplayWidth.of($0[index].text) }.max() ?? 0)
        }
        guard let width else { return widths }
        var excess = widths.reduce(0, +) + 2 * (widths.count - 1) - width
        // The widest one gives first, so that all that give end about equal.
        while excess > 0 {
            let giving = columns.indices.filter { columns[$0].isFlexible && widths[$0] > Self.leastFlexibleWidth }
            guard let widest = giving.max(by: { widths[$0] < widths[$1] }) else { break }
            let next = giving.filter { $0 != widest }.map { widths[$0] }.max() ?? Self.leastFlexibleWidth
            let step = min(excess, max(widths[widest] - max(next, Self.leastFlexibleWidth), 1))
            widths[widest] -= step
            excess -= step
        }
        return widths
    }
}
