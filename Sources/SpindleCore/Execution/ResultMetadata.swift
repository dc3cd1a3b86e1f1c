#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The metadata of a result: values, or of a plugin the JSON text that the store keeps, which is read only if somebody asks.
package struct ResultMetadata: Sendable {
    private enum Form: Sendable {
        case values([String: JSONValue])
        case text(String)
    }

    private var form: Form

    /// Values as an executor in Swift gives them.
    package init(_ values: [String: JSONValue]) { form = .values(values) }

    /// Names and texts as a plugin gives them; what is no UTF-8 is repaired. Of a name that is there twice the first counts.
    ///
    /// - Parameter count: How many; `item` is called for each, from 0, and what it gives need live no longer than the call.
    package init(count: Int, item: (Int) -> (name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer)) {
        guard count > 0 else {
            form = .values([:])
            return
        }
        var text = JSONText(capacity: 64 * count)
        text.append(verbatim: "{")
        for index in 0..<count {
            if index > 0 { text.append(verbatim: ",") }
            let (name, value) = item(index)
            text.append(utf8: name)
            text.append(verbatim: ":")
            text.append(utf8: value)
        }
        text.append(verbatim: "}")
        form = .text(text.string)
    }

    /// Whether there are none.
    package var isEmpty: Bool {
        if case .values(let values) = form { values.isEmpty } else { false }
    }

    /// By name.
    package var values: [String: JSONValue] {
        switch form {
        case .values(let values): return values
        case .text(let text):
            // We wrote it: if it cannot be read, the text itself still says what there was.
            let read = try? JSONDecoder().decode([String: JSONValue].self, from: Data(text.utf8))
            return read ?? ["metadata": .string(text)]
        }
    }

    /// As JSON, an object.
    package var text: String {
        switch form {
        case .text(let text): return text
        case .values(let values):
            var text = JSONText(capacity: 64 * values.count)
            text.append(values)
            return text.string
        }
    }
}

extension ResultMetadata: Hashable {
    package static func == (one: ResultMetadata, other: ResultMetadata) -> Bool { one.values == other.values }
    package func hash(into hasher: inout Hasher) { hasher.combine(values) }
}
