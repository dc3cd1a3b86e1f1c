/// Finds what is wrong with a command line of a page, by what `spindle` says of its own commands.
struct CommandLineCheck {
    let tree: CommandTree

    /// The problem; nil if every command and flag is there.
    ///
    /// - Parameter words: Such as `spindle`, `run`, `--type`, `script`.
    func problem(_ words: [String]) -> String? {
        var command = tree.command
        var index = 1
        if words.count > 1, words[1] == "help" { return problem(["spindle"] + words.dropFirst(2)) }
        // The argument parser's own, which its description leaves out.
        if words.count > 1, words[1] == "--generate-completion-script" { return nil }
        while index < words.count, let next = command.subcommands?.first(where: { $0.commandName == words[index] }) {
            command = next
            index += 1
        }
        if command.isGroup, index < words.count, !words[index].hasPrefix("-") {
            // A page may speak of "spindle executions COMMAND".
            return words[index] == words[index].uppercased() ? nil : "there is no command \"\(words[index])\""
        }
        let arguments = command.arguments ?? []
        var positionals = 0
        while index < words.count {
            let word = words[index]
            index += 1
            guard word.hasPrefix("-"), word != "-" else {
                positionals += 1
                continue
            }
            let name = String(word.split(separator: "=", maxSplits: 1)[0])
            guard let argument = arguments.first(where: { $0.names?.contains { $0.text == name } == true }) else {
                return "\"\(name)\" is no flag of \"\(words.prefix(2).joined(separator: " "))\""
            }
            if argument.kind == "option", !word.contains("=") { index += 1 }
        }
        let most = arguments.filter { $0.kind == "positional" }.count
        return positionals > most ? "\(positionals) arguments; \(most) at most" : nil
    }

    /// The words of a line of shell; quotes are taken away. What comes after the command ends it.
    static func words(_ line: String) -> [String] {
        var words: [String] = []
        var word: String?
        var quote: Character?
        for character in line {
            if let open = quote {
                if character == open { quote = nil } else { word = (word ?? "") + String(character) }
            } else if character == "'" || character == "\"" {
                quote = character
                word = word ?? ""
            } else if character == " " {
                if let whole = word { words.append(whole) }
                word = nil
            } else if "|&;<>()".contains(character) || character == "#" && word == nil {
                // The number before a redirection is no word.
                if character == ">", word?.allSatisfy(\.isNumber) == true { word = nil }
                break
            } else {
                word = (word ?? "") + String(character)
            }
        }
        if let whole = word { words.append(whole) }
        return words
    }
}
