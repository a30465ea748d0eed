#compdef oaif
# Completion of oaif for zsh. Put it into a folder of $fpath under the name _oaif.
# The program itself lists what may come next; file names are completed where it lists nothing.
_oaif() {
  local -a choices before
  before=("${(@)words[1,CURRENT-1]}")
  # Only words that begin with a dash can be flags; the program wants to see them to list flags.
  if [[ "$words[CURRENT]" == -* ]]; then
    before+=("$words[CURRENT]")
  fi
  choices=("${(@f)$(SHELL=zsh "${before[@]}" --generate-bash-completion 2>/dev/null)}")
  if [[ -n "${choices[1]}" ]]; then
    _describe 'oaif' choices
  else
    _files
  fi
}
if [[ "${funcstack[1]}" == _oaif ]]; then
  _oaif "$@"
else
  compdef _oaif oaif
fi
