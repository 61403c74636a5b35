"""The paper's fifteen problems, learned by the ENN and by its peers; what is claimed beside what came out."""
