/// Texts without what differs from run to run, so that what a page shows can be compared with what a program prints.
enum Plain {
    /// Identifiers, times, ages, numbers of processes and ports, measured times and sizes, and the width of columns.
    static func text(_ text: String, without paths: [String] = []) -> [String] {
        var text = text
        for path in paths where !path.isEmpty { text = text.replacing(path, with: "PATH") }
        text = text.replacing(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/, with: "ID")
        text = text.replacing(/\b[0-9a-f]{64}\b/, with: "SHA256")
        text = text.replacing(/\b[0-9a-f]{8}\b/, with: "SHORT")
        text = text.replacing(/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z/, with: "TIME")
        text = text.replacing(/\b[0-9]+(\.[0-9]+)?(us|ms|s|m|h|d) ago/, with: "AGO")
        text = text.replacing(/127\.0\.0\.1:[0-9]+/, with: "ADDRESS")
        text = text.replacing(/worker [0-9]+/, with: "WORKER")
        text = text.replacing(/\b[0-9]+(\.[0-9]+)?(us|ms|s) +WORKER/, with: "TOOK WORKER")
        text = text.replacing(/\b[A-Za-z.]+(Ms|KiB)=[0-9]+/) { "\($0.output.0.prefix { $0 != "=" })=N" }
        return text.split(separator: "\n").map { line in
            line.split(whereSeparator: { $0 == " " || $0 == "\t" }).joined(separator: " ")
        }
    }
}
