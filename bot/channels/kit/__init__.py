"""The code that channels share; channels in other packages may use it too."""
