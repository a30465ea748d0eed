# Completion of oaif for bash. Use it with: source <(oaif completion bash)
# The program itself lists what may come next; file names are completed where it lists nothing.
_oaif() {
  local cur words next
  cur="${COMP_WORDS[COMP_CWORD]}"
  words=("${COMP_WORDS[@]:0:COMP_CWORD}")
  # Only words that begin with a dash can be flags; the program wants to see them to list flags.
  if [[ "$cur" == -* ]]; then
    words+=("$cur")
  fi
  local IFS=$'\n'
  next=$(SHELL=bash "${words[@]}" --generate-bash-completion 2>/dev/null)
  COMPREPLY=($(compgen -W "$next" -- "$cur"))
}
complete -o bashdefault -o default -F _oaif oaif
