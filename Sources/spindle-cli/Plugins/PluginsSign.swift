import ArgumentParser
import SpindlePlugins

extension Plugins {
    struct Sign: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Signs a file with ssh-keygen, as FILE.sig.",
            discussion: "The same as ssh-keygen -Y sign -n spindle-plugin -f KEY FILE."
        )
        @Argument(help: "A shared library.", completion: .file(extensions: ["so"])) var file: String
        @Option(name: .long, help: "The private key, or the public one of a key that an agent holds.", completion: .file())
        var key: String
        @OptionGroup var global: GlobalOptions

        func run() async throws {
            let path = try await PluginSignature.sign(file: file, key: key)
            if global.json { try JSONText.print(["signature": path]) } else { Terminal.print(path) }
        }
    }
}
