// swift-tools-version: 6.2
import PackageDescription

// `SPINDLE_PACKAGE=library` leaves out everything that needs a database or an HTTP server, so that the
// sanitizer builds compile only Core, Engine, Plugins and Wire. `SPINDLE_PACKAGE=fuzz` leaves only the parsers and their fuzzer.
let part = Context.environment["SPINDLE_PACKAGE"]

let swift: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),  // SE-0335
    .enableUpcomingFeature("MemberImportVisibility"),  // SE-0444
    .enableUpcomingFeature("InternalImportsByDefault"),  // SE-0409
]
let c: [CSetting] = [
    .treatAllWarnings(as: .error),
    .enableWarning("all"),
    .enableWarning("extra"),
    .define("_GNU_SOURCE"),
]
// SwiftPM links every product through swiftc. These flags leave Swift's runtime out of a product written in C.
let withoutSwiftRuntime: [LinkerSetting] = [
    .unsafeFlags(["-nostartfiles", "-static-stdlib", "-Xlinker", "--as-needed"])
]
let onlyTheFactory: [LinkerSetting] = [
    .unsafeFlags(["-Xlinker", "--version-script=\(Context.packageDirectory)/PluginSDK/plugin.map"])
]
let hidden: [CSetting] = [.unsafeFlags(["-fvisibility=hidden"])]
let cxx: [CXXSetting] = [
    .treatAllWarnings(as: .error),
    .enableWarning("all"),
    .enableWarning("extra"),
    .define("_GNU_SOURCE"),
    .unsafeFlags(["-fvisibility=hidden", "-fvisibility-inlines-hidden"]),
]

/// A plugin in C or C++ on the SDK's header alone: a target in `Plugins/NAME`, a product `spindle-plugin-NAME`.
func plugin(_ name: String, target: String, on parts: [Target.Dependency] = [], linking libraries: [String] = []) -> Target {
    .target(
        name: target,
        dependencies: ["SpindlePluginC"] + parts,
        path: "Plugins/\(name)",
        publicHeadersPath: ".",
        cSettings: c + hidden,
        cxxSettings: cxx,
        linkerSettings: withoutSwiftRuntime + onlyTheFactory + libraries.map { .linkedLibrary($0) }
    )
}

let package = Package(
    name: "spindle",
    products: [
        .library(name: "SpindlePluginC", targets: ["SpindlePluginC"]),
        .library(name: "SpindleCore", targets: ["SpindleCore"]),
        .library(name: "SpindleEngine", targets: ["SpindleEngine"]),
        .executable(name: "spindle-worker", targets: ["spindle-worker"]),
        .library(name: "spindle-plugin-http", type: .dynamic, targets: ["SpindlePluginHTTP"]),
        .library(name: "spindle-plugin-script", type: .dynamic, targets: ["SpindlePluginScript"]),
        .library(name: "spindle-plugin-native", type: .dynamic, targets: ["SpindlePluginNative"]),
        .library(name: "spindle-plugin-sql", type: .dynamic, targets: ["SpindlePluginSQL"]),
        .library(name: "spindle-plugin-rabbitmq", type: .dynamic, targets: ["SpindlePluginRabbitMQ"]),
        .library(name: "spindle-plugin-bench", type: .dynamic, targets: ["SpindlePluginBench"]),
    ],
    traits: [
        .default(enabledTraits: ["Host"]),
        .trait(name: "Host", description: "The host: stores, server and command line, with their packages."),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .target(name: "SpindlePluginC", path: "PluginSDK/c", cSettings: c),
        // For plugins of the network: which addresses jobs may reach, look-ups that nobody waits for, threads, texts of protocols.
        .target(name: "SpindlePluginNet", path: "PluginSDK/net", publicHeadersPath: ".", cSettings: c + hidden),
        .target(name: "SpindleWire", cSettings: c),
        .executableTarget(
            name: "spindle-worker",
            dependencies: ["SpindleWire", "SpindlePluginC"],
            path: "Sources/SpindleWorker",
            cSettings: c + hidden,
            linkerSettings: withoutSwiftRuntime + [.linkedLibrary("dl"), .linkedLibrary("pthread")]
        ),
        .target(name: "SpindleCore", swiftSettings: swift),
        .target(
            name: "SpindleEngine",
            dependencies: [
                "SpindleCore",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: swift
        ),
        .target(
            name: "SpindlePlugins",
            dependencies: [
                "SpindleCore", "SpindleWire", "SpindlePluginC",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: swift
        ),
        plugin("http", target: "SpindlePluginHTTP", on: ["SpindlePluginNet"], linking: ["curl", "jansson"]),
        plugin("native", target: "SpindlePluginNative", linking: ["ffi", "jansson"]),
        plugin("sql", target: "SpindlePluginSQL", linking: ["odbc", "jansson"]),
        plugin("script", target: "SpindlePluginScript", linking: ["jansson"]),
        plugin(
            "rabbitmq",
            target: "SpindlePluginRabbitMQ",
            on: ["SpindlePluginNet"],
            linking: ["rabbitmq", "jansson", "ssl", "crypto"]
        ),
        plugin("bench", target: "SpindlePluginBench"),
        .target(name: "TestSanitizer", path: "Tests/TestSanitizer", cSettings: c),
        .target(
            name: "TestSupport",
            dependencies: ["SpindleCore", "TestSanitizer", .product(name: "Logging", package: "swift-log")],
            path: "Tests/TestSupport",
            swiftSettings: swift
        ),
        .target(
            name: "SpindleSimulation",
            dependencies: [
                "SpindleCore", "SpindleEngine", .product(name: "HeapModule", package: "swift-collections"),
            ],
            path: "Tests/Simulation",
            swiftSettings: swift
        ),
        .executableTarget(
            name: "spindle-simulator",
            dependencies: ["SpindleSimulation"],
            path: "Tests/Simulator",
            swiftSettings: swift
        ),
        .testTarget(name: "SpindleCoreTests", dependencies: ["SpindleCore", "TestSupport"], swiftSettings: swift),
        .testTarget(
            name: "SpindleEngineTests",
            dependencies: ["SpindleCore", "SpindleEngine", "SpindleSimulation", "TestSupport"],
            swiftSettings: swift
        ),
        .testTarget(
            name: "SpindlePluginsTests",
            dependencies: [
                "SpindleCore", "SpindleEngine", "SpindlePlugins", "SpindleWire", "SpindlePluginC", "TestSupport", "spindle-worker",
                .product(name: "Logging", package: "swift-log"),
            ],
            exclude: ["Fixtures"],
            swiftSettings: swift
        ),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c11,
    cxxLanguageStandard: .cxx17
)

// C++ is slow to compile, and of what Scripts/sanitize builds nothing uses it: Tests/grpc has sanitizers of its own.
if Context.environment["SPINDLE_SANITIZER_BUILD"] == nil {
    package.products.append(.library(name: "spindle-plugin-grpc", type: .dynamic, targets: ["SpindlePluginGRPC"]))
    // Libraries by name: SwiftPM does not get through what pkg-config says of grpc++.
    let libraries = ["grpc++", "grpc", "gpr", "protobuf", "absl_synchronization", "crypto", "jansson"]
    package.targets.append(plugin("grpc", target: "SpindlePluginGRPC", on: ["SpindlePluginNet"], linking: libraries))
}

if part == "fuzz" {
    // Coverage and sanitizer slow every build down: what no fuzzer reaches, and the packages it needs, stay out.
    package.products = [.executable(name: "spindle-fuzz", targets: ["spindle-fuzz"])]
    package.dependencies = [.package(url: "https://github.com/jpsim/Yams", from: "6.2.2")]
    package.targets = [
        .target(name: "SpindleWire", cSettings: c),
        .target(name: "SpindleCore", swiftSettings: swift),
        .target(
            name: "SpindleEngine",
            dependencies: ["SpindleCore"],
            path: "Sources/SpindleEngine/Configuration",
            swiftSettings: swift
        ),
        .target(
            name: "SpindlePlugins",
            dependencies: ["SpindleCore", "SpindleWire", .product(name: "Yams", package: "Yams")],
            sources: [
                "Host/IsolationLevel.swift", "Probe/PluginManifest.swift", "Reload/ReloadSettings.swift",
                "Secrets/SecretReference.swift",
                "Secrets/SecretValue.swift", "Sidecar",
                "Trust/AllowedSigners.swift",
                "Trust/Base64.swift", "Trust/PatternList.swift", "Trust/PluginLock.swift", "Trust/RevokedSigners.swift",
                "Trust/SSHOptions.swift", "Trust/SSHPublicKey.swift", "Trust/SSHReader.swift", "Trust/SSHSignature.swift",
                "Trust/SSHTime.swift", "Trust/TrustPolicy.swift", "Verification/ElfImage.swift",
                "Verification/ElfReader.swift", "Verification/ElfSymbols.swift", "Wire",
            ],
            swiftSettings: swift
        ),
        .target(
            name: "Spindle",
            dependencies: ["SpindleCore", "SpindleEngine", "SpindlePlugins", .product(name: "Yams", package: "Yams")],
            path: "Sources/Spindle/Configuration",
            swiftSettings: swift
        ),
        .target(name: "SpindleServer", dependencies: ["SpindleCore"], path: "Sources/SpindleServer/JSON", swiftSettings: swift),
        .target(name: "LibFuzzer", path: "Tests/fuzz/LibFuzzer"),
        .executableTarget(
            name: "spindle-fuzz",
            dependencies: ["LibFuzzer", "Spindle", "SpindleCore", "SpindlePlugins", "SpindleServer", "SpindleWire"],
            path: "Tests/fuzz/Targets",
            swiftSettings: swift
        ),
    ]
} else if part != "library" {
    package.products += [
        .library(name: "Spindle", targets: ["Spindle"]),
        .executable(name: "spindle", targets: ["spindle"]),
    ]
    package.dependencies += [
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    ]
    package.targets += [
        .target(
            name: "SpindleSQLite",
            dependencies: [
                "SpindleCore",
                .product(name: "GRDB", package: "GRDB.swift", condition: .when(traits: ["Host"])),
                .product(name: "GRDBSQLite", package: "GRDB.swift", condition: .when(traits: ["Host"])),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: swift
        ),
        .target(
            name: "SpindleServer",
            dependencies: [
                "SpindleCore", "SpindleEngine",
                .product(name: "Hummingbird", package: "hummingbird", condition: .when(traits: ["Host"])),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: swift
        ),
        .target(
            name: "Spindle",
            dependencies: [
                "SpindleCore", "SpindleEngine", "SpindlePlugins", "SpindleSQLite", "SpindleServer",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: swift
        ),
        .executableTarget(
            name: "spindle",
            dependencies: [
                "Spindle", "SpindleCore", "SpindleEngine", "SpindlePlugins", "SpindleSQLite", "SpindleServer",
                "spindle-worker",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            path: "Sources/spindle-cli",
            swiftSettings: swift
        ),
        .testTarget(
            name: "SpindleStoreTests",
            dependencies: ["SpindleCore", "SpindleSQLite", "TestSupport"],
            swiftSettings: swift
        ),
        .testTarget(
            name: "SpindleServerTests",
            dependencies: ["SpindleCore", "SpindleEngine", "SpindleServer", "TestSupport"],
            swiftSettings: swift
        ),
        .testTarget(
            name: "SpindleTests",
            dependencies: [
                "Spindle", "SpindleCore", "SpindleEngine", "SpindlePlugins", "SpindleSQLite", "SpindleServer",
                "TestSupport", "spindle", "spindle-worker",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: swift
        ),
    ]
}
