# fish completion for nsbridge. Names from files are foreign text: only those that mean themselves are offered.

set -l verbs run expose check status connections end doctor discover import demo help

function __nsbridge_namespaces
    ls /run/netns 2>/dev/null | string match -r '^[A-Za-z0-9][A-Za-z0-9._-]*$'
    echo host
    set -l own (readlink /proc/self/ns/net)
    for pid in (lsns --type net --noheadings --output PID 2>/dev/null | string trim)
        test (readlink /proc/$pid/ns/net) = $own; or echo pid:$pid
    end
end

# The names in the configuration given on the line, or in the one the program would read.
function __nsbridge_bridges
    set -l file /etc/nsbridge/appsettings.json
    test -r appsettings.json; and set file appsettings.json
    set -l words (commandline -opc)
    set -l at (contains -i -- --config $words); and set file $words[(math $at + 1)]
    # What is no file, such as a pipe, would be waited for.
    test -f "$file"; and string match -argi '"Name"\s*:\s*"([A-Z0-9][A-Z0-9._-]*)"' <$file
end

complete -c nsbridge -f
complete -c nsbridge -n "not __fish_seen_subcommand_from $verbs" -a "$verbs"
complete -c nsbridge -n "__fish_seen_subcommand_from help" -a "$verbs"
complete -c nsbridge -n "__fish_seen_subcommand_from run check status connections end doctor discover" -l config -r -F -d "The configuration"
complete -c nsbridge -n "__fish_seen_subcommand_from check status connections doctor discover expose" -l json -d "Print JSON"
complete -c nsbridge -n "__fish_seen_subcommand_from status" -l watch -d "Repeat"
complete -c nsbridge -n "__fish_seen_subcommand_from end" -l bridge -x -a "(__nsbridge_bridges)" -d "Of a bridge"
complete -c nsbridge -n "__fish_seen_subcommand_from end" -l client -x -d "Of a network"
complete -c nsbridge -n "__fish_seen_subcommand_from check" -l schema -d "Print the JSON schema"
complete -c nsbridge -n "__fish_seen_subcommand_from demo" -l once -d "Try it and end"
complete -c nsbridge -n "__fish_seen_subcommand_from discover expose" -a "(__nsbridge_namespaces)"
complete -c nsbridge -n "__fish_seen_subcommand_from connections doctor" -a "(__nsbridge_bridges)"
complete -c nsbridge -n "__fish_seen_subcommand_from import" -l namespace -x -a "(__nsbridge_namespaces)" -d "Of the targets"
complete -c nsbridge -n "__fish_seen_subcommand_from import" -F
complete -c nsbridge -n "__fish_seen_subcommand_from expose" -l listen -x -d "Where clients connect"
complete -c nsbridge -n "__fish_seen_subcommand_from expose" -l udp -d "Bridge UDP"
complete -c nsbridge -n "__fish_seen_subcommand_from expose" -l into -d "Listen inside"
complete -c nsbridge -n "__fish_seen_subcommand_from expose" -l allow -x -d "A network that may connect"
complete -c nsbridge -n "__fish_seen_subcommand_from expose" -l join -x -a "handoff relay" -d "How the halves join"
