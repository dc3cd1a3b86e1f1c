/// The options before the key in a line of `allowed_signers`.
struct SSHOptions {
    var isAuthority = false
    var namespaces: String?
    var validAfter: Int64?
    var validBefore: Int64?

    /// Takes the options from the start of a text.
    init(_ rest: inout Substring) throws(SSHFormatError) {
        repeat {
            let name = rest.prefix { $0.isASCII && ($0.isLetter || $0 == "-") }
            rest = rest[name.endIndex...]
            switch name.lowercased() {
            case "cert-authority": isAuthority = true
            case "namespaces":
                guard namespaces == nil else { throw SSHFormatError("namespaces is given twice") }
                namespaces = try Self.value(&rest, name)
            case "valid-after":
                guard validAfter == nil else { throw SSHFormatError("valid-after is given twice") }
                validAfter = try Self.time(&rest, name)
            case "valid-before":
                guard validBefore == nil else { throw SSHFormatError("valid-before is given twice") }
                validBefore = try Self.time(&rest, name)
            default:
                throw SSHFormatError(
                    "there is neither a known key nor a known option; options are namespaces, valid-after and valid-before"
                )
            }
        } while Self.take(",", &rest)
        guard rest.first == " " || rest.first == "\t" else { throw SSHFormatError("a blank and a key must follow the options") }
        if let validAfter, let validBefore, validBefore <= validAfter {
            throw SSHFormatError("valid-before is not later than valid-after")
        }
    }

    private static func take(_ character: Character, _ rest: inout Substring) -> Bool {
        guard rest.first == character else { return false }
        rest.removeFirst()
        return true
    }

    /// `="…"`; in it `\"` is a quote.
    private static func value(_ rest: inout Substring, _ name: Substring) throws(SSHFormatError) -> String {
        guard take("=", &rest), take("\"", &rest) else { throw SSHFormatError("\(name)=\"…\" is wanted, with the quotes") }
        var value = ""
        while let next = rest.popFirst() {
            if next == "\"" { return value }
            if next == "\\", take("\"", &rest) { value.append("\"") } else { value.append(next) }
        }
        throw SSHFormatError("the closing quote of \(name) is missing")
    }

    private static func time(_ rest: inout Substring, _ name: Substring) throws(SSHFormatError) -> Int64 {
        guard let seconds = SSHTime.seconds(try value(&rest, name)) else {
            throw SSHFormatError("\(name) is not a time: YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS is wanted, and Z for UTC")
        }
        return seconds
    }
}
