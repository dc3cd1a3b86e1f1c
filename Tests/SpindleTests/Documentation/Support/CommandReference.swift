/// What `Docs/cli.md` says of commands, made of what the argument parser says of itself.
struct CommandReference {
    let tree: CommandTree
    /// The longest line of prose.
    private static let width = 145

    /// The blocks of the page by their marks: `command: executions list`, `options: common`, `options: job`.
    var blocks: [(mark: String, text: String)] {
        let common = commonArguments
        let job = jobArguments
        var blocks: [(mark: String, text: String)] = [("options: job", table(job)), ("options: common", table(common))]
        for (path, command) in tree.commands {
            let name = path.joined(separator: " ")
            blocks.append(("command: \(name)", command.isGroup ? group(path, command) : leaf(path, command, job, common)))
        }
        return blocks
    }

    /// What every command that does something takes.
    private var commonArguments: [CommandTree.Argument] {
        let leaves = tree.commands.filter { !$0.command.isGroup }.map(\.command)
        return (leaves.first?.arguments ?? []).filter { argument in
            leaves.allSatisfy { $0.arguments?.contains { $0.title == argument.title } == true }
        }
    }

    /// What `run` takes besides: the description of a job.
    private var jobArguments: [CommandTree.Argument] {
        let common = Set(commonArguments.map(\.title))
        let run = tree.commands.first { $0.path == ["run"] }?.command
        return (run?.arguments ?? []).filter { !common.contains($0.title) }
    }

    private func group(_ path: [String], _ command: CommandTree.Command) -> String {
        var text = prose(command)
        text += "| command | |\n|---|---|\n"
        for child in command.subcommands ?? [] {
            let name = (["spindle"] + path + [child.commandName]).joined(separator: " ")
            let anchor = (["spindle"] + path + [child.commandName]).joined(separator: "-")
            text += "| [`\(name)`](#\(anchor)) | \(Self.cell(child.abstract)) |\n"
        }
        return text
    }

    private func leaf(
        _ path: [String],
        _ command: CommandTree.Command,
        _ job: [CommandTree.Argument],
        _ common: [CommandTree.Argument]
    ) -> String {
        let all = (command.arguments ?? []).filter(\.shouldDisplay)
        let commonTitles = Set(common.map(\.title))
        var own = all.filter { !commonTitles.contains($0.title) }
        let jobTitles = Set(job.map(\.title))
        let takesJob = jobTitles.isSubset(of: own.map(\.title))
        if takesJob { own.removeAll { jobTitles.contains($0.title) } }
        let positionals = all.filter { $0.kind == "positional" }.map { $0.isOptional ? "[\($0.title)]" : $0.title }
        var text = "    \((["spindle"] + path + ["[options]"] + positionals).joined(separator: " "))\n\n" + prose(command)
        if !own.isEmpty { text += table(own) + "\n" }
        let also = (takesJob ? ["[what to run](#what-to-run)"] : []) + ["the [common options](#common-options)"]
        text += "\(own.isEmpty ? "Takes" : "Besides,") \(also.joined(separator: " and ")).\n"
        return text
    }

    private func prose(_ command: CommandTree.Command) -> String {
        let text = [command.abstract, command.discussion].compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: " ")
        var lines = [""]
        for word in text.split(separator: " ") {
            if lines[lines.count - 1].count + word.count >= Self.width { lines.append("") }
            lines[lines.count - 1] += lines[lines.count - 1].isEmpty ? "\(word)" : " \(word)"
        }
        return lines.joined(separator: "\n") + "\n\n"
    }

    private func table(_ arguments: [CommandTree.Argument]) -> String {
        var text = "| argument or option | meaning | default |\n|---|---|---|\n"
        for argument in arguments {
            let value = argument.defaultValue.map { "`\($0)`" } ?? ""
            text += "| `\(Self.cell(argument.title))` | \(Self.cell(argument.abstract)) | \(value) |\n"
        }
        return text
    }

    private static func cell(_ text: String?) -> String {
        (text ?? "").replacing("|", with: "\\|")
    }
}
