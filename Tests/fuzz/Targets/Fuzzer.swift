import Glibc
import LibFuzzer

/// libFuzzer on one of our parsers. The program's name says on which one (`fuzz-elf`), because libFuzzer runs it again under that name.
@main
struct Fuzzer {
    private typealias Test = @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32

    static func main() {
        let name = CommandLine.arguments[0].split(separator: "/").last ?? ""
        guard let test = test(named: String(name)) else {
            print(
                "This program must be called fuzz-elf, fuzz-configuration, fuzz-sidecar, fuzz-frames, fuzz-json or fuzz-trust; it is called \(name)."
            )
            exit(2)
        }
        var count = CommandLine.argc
        var words: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        exit(LLVMFuzzerRunDriver(&count, &words, test))
    }

    private static func test(named name: String) -> Test? {
        switch name {
        case "fuzz-elf": { Fuzzer.run($0, $1, ElfTarget.test) }
        case "fuzz-configuration": { Fuzzer.run($0, $1, ConfigurationTarget.test) }
        case "fuzz-sidecar": { Fuzzer.run($0, $1, SidecarTarget.test) }
        case "fuzz-frames": { Fuzzer.run($0, $1, FrameTarget.test) }
        case "fuzz-json": { Fuzzer.run($0, $1, JSONTarget.test) }
        case "fuzz-trust": { Fuzzer.run($0, $1, TrustTarget.test) }
        default: nil
        }
    }

    private static func run(_ data: UnsafePointer<UInt8>?, _ count: Int, _ test: ([UInt8]) -> Void) -> Int32 {
        test(Array(UnsafeBufferPointer(start: data, count: count)))
        return 0
    }
}

/// Ends the run, and so makes a finding of the input, if a promise of a parser does not hold.
func check(_ holds: Bool, _ promise: @autoclosure () -> String) {
    if !holds { fatalError("broken promise: \(promise())") }
}

/// What a parser says of its refusal is for people.
func sentence(_ text: String) {
    check(!text.isEmpty && text.utf8.count < 1024, "a refusal is a sentence: \(text)")
}
