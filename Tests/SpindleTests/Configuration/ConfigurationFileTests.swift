import Spindle
import SpindleCore
import SpindleEngine
import Testing

@Suite("Configuration file")
struct ConfigurationFileTests {
    /// The settings of a file as texts.
    private func settings(_ text: String, name: String = "spindle.yaml") throws -> [String: String] {
        let file = try ConfigurationFile.parse(Array(text.utf8), name: name)
        return Dictionary(file.settings.map { ($0.key.name, $0.value) }, uniquingKeysWith: { $1 })
    }

    private func refusal(_ bytes: [UInt8], name: String = "spindle.yaml") -> String? {
        do throws(SpindleError) {
            _ = try ConfigurationFile.parse(bytes, name: name)
            return nil
        } catch {
            #expect(error.code == .configuration)
            return error.message
        }
    }

    @Test("the original's own section is accepted as it stands")
    func original() throws {
        let text = """
            {
              "Logging": { "LogLevel": { "Default": "Information" } },
              // Comments are allowed there.
              "ConnectionStrings": { "Default": "Host=/*not a comment*/;//neither" },
              "ExecutionEngine": {
                "MaxConcurrentJobs": 20,
                "DefaultTimeoutSeconds": 60,
                "DefaultRetryCount": 5,
                "RetryDelayStrategy": "Exponential"
              },
            }
            """
        let file = try ConfigurationFile.parse([0xEF, 0xBB, 0xBF] + Array(text.utf8), name: "appsettings.json")
        #expect(file.notices == ["appsettings.json: ignored, not Spindle's: Logging, ConnectionStrings."])
        let values = file.settings.map { "\($0.line) \($0.key.name)=\($0.value)" }
        #expect(
            values == [
                "6 executionEngine.maxConcurrentJobs=20", "7 executionEngine.defaultTimeoutSeconds=60",
                "8 executionEngine.defaultRetryCount=5", "9 executionEngine.retryDelayStrategy=Exponential",
            ]
        )
    }

    @Test("keys are read in any case, tables and empty sections too")
    func cases() throws {
        let text = """
            EXECUTIONENGINE:
              MaxConcurrentJobs: 3
              typelimits: {HTTP: 5, script: 2}
            retention:
            Plugins:
              directory: plugins
            store: sqlite:data/spindle.db
            """
        #expect(
            try settings(text, name: "/etc/spindle/spindle.yaml") == [
                "executionEngine.maxConcurrentJobs": "3",
                "executionEngine.typeLimits": "HTTP=5,script=2",
                "plugins.directory": "/etc/spindle/plugins",
                "store": "sqlite:/etc/spindle/data/spindle.db",
            ]
        )
    }

    @Test("an empty file sets nothing", arguments: ["", "\n\n", "---\n", "# only a comment\n", "{}", "~"])
    func empty(_ text: String) throws { #expect(try settings(text).isEmpty) }

    @Test(
        "what is wrong is told with file, line, key and what is allowed",
        arguments: [
            (
                "executionEngine:\n  maxConcurentJobs: 3",
                "spindle.yaml:2: unknown key \"executionEngine.maxConcurentJobs\"; "
                    + "the nearest known one is \"executionEngine.maxConcurrentJobs\"."
            ),
            ("stroe: x.db", "spindle.yaml:1: unknown key \"stroe\"; the nearest known one is \"store\"."),
            (
                "Logging:\n  Level: x",
                "spindle.yaml:1: unknown key \"Logging\"; known here: state, store, socket, executionEngine, plugins, secrets, retention, log."
            ),
            (
                "maxConcurrentJobs: 1",
                "spindle.yaml:1: unknown key \"maxConcurrentJobs\"; the nearest known one is \"executionEngine.maxConcurrentJobs\"."
            ),
            (
                "executionEngine:\n  maxConcurrentJobs: ten",
                "spindle.yaml:2: executionEngine.maxConcurrentJobs is \"ten\"; a whole number from 1 to 10000 is allowed."
            ),
            (
                "executionEngine:\n  maxConcurrentJobs: 0",
                "spindle.yaml:2: executionEngine.maxConcurrentJobs is \"0\"; a whole number from 1 to 10000 is allowed."
            ),
            (
                "executionEngine:\n  maxConcurrentJobs: 99999999999999999999",
                "spindle.yaml:2: executionEngine.maxConcurrentJobs is \"99999999999999999999\"; "
                    + "a whole number from 1 to 10000 is allowed."
            ),
            (
                "executionEngine:\n  maxConcurrentJobs:",
                "spindle.yaml:2: executionEngine.maxConcurrentJobs has no value; a whole number from 1 to 10000 is allowed."
            ),
            (
                "executionEngine:\n  maxConcurrentJobs: [1]",
                "spindle.yaml:2: executionEngine.maxConcurrentJobs is one value; a whole number from 1 to 10000 is allowed."
            ),
            (
                "executionEngine:\n  retryDelayStrategy: Sometimes",
                "spindle.yaml:2: executionEngine.retryDelayStrategy is \"Sometimes\"; "
                    + "one of Exponential, Linear, Fixed, None is allowed."
            ),
            (
                "executionEngine:\n  typeLimits:\n    http: 0",
                "spindle.yaml:3: executionEngine.typeLimits.http is \"0\"; executor types with whole numbers from 1 to 10000, "
                    + "such as http: 5 (in one text: http=5,script=2) is allowed."
            ),
            (
                "executionEngine:\n  maxConcurrentJobs: 1\n  MaxConcurrentJobs: 2",
                "spindle.yaml:3: executionEngine.maxConcurrentJobs is given twice."
            ),
            ("executionEngine: 5", "spindle.yaml:1: executionEngine is a section: a mapping of keys is allowed."),
            ("[1, 2]", "spindle.yaml:1: the configuration is a mapping of sections, such as executionEngine."),
            (
                "store: postgres://x",
                "spindle.yaml:1: store is \"postgres://x\"; sqlite:PATH or memory: is allowed."
            ),
        ]
    )
    func refused(_ text: String, _ message: String) { #expect(refusal(Array(text.utf8)) == message) }

    @Test("broken syntax is told with its line")
    func syntax() throws {
        let message = try #require(refusal(Array("log:\n  level: \"info\n".utf8)))
        #expect(message.hasPrefix("spindle.yaml:"))
        #expect(message.contains("not YAML or JSON"))
    }

    @Test("what is no text, too large, too deep or full of aliases is refused before it is parsed")
    func hostile() throws {
        #expect(refusal([0xFF, 0xFE, 0x00]) == "spindle.yaml is not UTF-8 text.")
        #expect(refusal([UInt8](repeating: 32, count: 300_000))?.contains("at most 262144") == true)
        #expect(refusal([UInt8](repeating: UInt8(ascii: "["), count: 100_000))?.contains("nested too deep") == true)
        #expect(refusal([UInt8](repeating: UInt8(ascii: "{"), count: 100_000))?.contains("nested too deep") == true)
        #expect(refusal(Array(String(repeating: "- ", count: 50_000).utf8))?.contains("nested too deep") == true)
        let steps = (0..<200).map { String(repeating: " ", count: $0) + "a:" }.joined(separator: "\n")
        #expect(refusal(Array(steps.utf8))?.contains("nested too deep") == true)
        let bomb = "a: &a [x]\n" + (0..<30).map { "b\($0): [*a, *a]\n" }.joined()
        #expect(refusal(Array(bomb.utf8))?.contains("aliases") == true)
        // Line breaks beyond ASCII are line breaks to the parser too, and it reads whole keys to look for duplicates.
        let doubling = (1...25).map { "a\($0): &a\($0) [\u{85}*a\($0 - 1),\u{2028}*a\($0 - 1)]\n" }.joined()
        #expect(refusal(Array("a0: &a0 [x]\n\(doubling)? \u{85}*a25\n: 1\n".utf8))?.contains("aliases") == true)
        let keys = String(repeating: "{? #}\n", count: 900) + "a" + String(repeating: "}", count: 900)
        #expect(refusal(Array(keys.utf8))?.contains("keys that begin with") == true)
    }

    @Test("any bytes give settings or a configuration error, never anything else")
    func fuzz() {
        let random = SeededRandomSource(seed: 20_261_123)
        let seeds = [
            "executionEngine:\n  maxConcurrentJobs: 3\n  typeLimits: {a: 1, b: 2}\nlog: {level: info}\n",
            "{\"ExecutionEngine\": {\"MaxConcurrentJobs\": 20 /* c */}, \"X\": [1, 2, {\"y\": null}]} // end",
            "store: \"sqlite:/x\"\nplugins:\n  - &a b\n  - *a\n? [k]\n: v\n",
        ].map { Array($0.utf8) }
        let marks = Array("{}[]:,-?&*!|>'\"%@`#\n\t ".utf8)
        for round in 0..<3000 {
            var bytes = seeds[round % seeds.count]
            for _ in 0...(random.next() % 6) where !bytes.isEmpty {
                let at = Int(random.next() % UInt64(bytes.count))
                switch random.next() % 4 {
                case 0: bytes[at] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes.remove(at: at)
                case 2: bytes.insert(marks[Int(random.next() % UInt64(marks.count))], at: at)
                default: bytes.insert(contentsOf: bytes[at...].prefix(Int(random.next() % 20)), at: at)
                }
            }
            do throws(SpindleError) {
                _ = try ConfigurationFile.parse(bytes, name: "fuzz")
            } catch {
                #expect(error.code == .configuration)
            }
        }
    }
}
