"""What Streamlit does not have: a chart that stays alive, and a link that copies itself."""
