import ArgumentParser
import Spindle
import SpindleCore
import SpindlePlugins

extension Plugins {
    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Says who signed a file.",
            discussion: "Exit status: 0 the signature counts, 1 it does not, 2 a file cannot be read."
        )
        @Argument(help: "A shared library.", completion: .file(extensions: ["so"])) var file: String
        @Option(name: .long, help: "Whose signatures count: a file in the form of allowed_signers.", completion: .file())
        var signers: String
        @Option(name: .long, help: "The signature. Default: FILE.sig.", completion: .file()) var signature: String?
        @Option(name: .long, help: "Keys that do not count any more, one a line.", completion: .file()) var revoked: String?
        @Option(name: .long, help: "Who must have signed. Default: anybody on the list.") var principal: String?
        @OptionGroup var global: GlobalOptions

        func run() async throws {
            do {
                let signer = try await PluginSignature.verify(
                    file: file,
                    signature: signature,
                    signers: signers,
                    revoked: revoked,
                    principal: principal,
                    now: SystemClock().now
                )
                if global.json {
                    try JSONText.print(["signer": signer.principals, "key": signer.key])
                } else {
                    Terminal.print(SafeText.line("\(file) is signed by \(signer.principals) with \(signer.key)"))
                }
            } catch let error as SpindleError where error.code == .plugin {
                Terminal.error(SafeText.line("spindle: \(error.message)"))
                throw CommandEnd(status: .failed)
            }
        }
    }
}
