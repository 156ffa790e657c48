"""Reading danger in a text: text in, Screening out. Pure, monotone, explained."""
